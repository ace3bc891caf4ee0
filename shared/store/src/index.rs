//! What ties a tenant's contacts to its search index.

use std::collections::HashMap;

use index::{Contacts, Facts, Generation};
use model::{Ordinal, Tenant, TenantId};

use crate::{Consistency, ContactStore, StoreError};

/// Names the build of a tenant's index that is written and read.
pub fn index_generation(tenant: TenantId) -> Generation {
    Generation { tenant: tenant.0.into_bytes(), number: 0 }
}

/// Reads what the index should know of a tenant's contacts.
#[derive(Debug)]
pub struct ContactFacts<'a, S> {
    /// Where the contacts are.
    pub store: &'a S,
    /// Whose.
    pub tenant: &'a Tenant,
}

impl<S: ContactStore> Contacts for ContactFacts<'_, S> {
    type Error = StoreError;

    async fn facts(&self, ordinal: u32) -> Result<Option<Facts>, StoreError> {
        Ok(self.facts_of_many(&[ordinal]).await?.pop().flatten())
    }

    async fn facts_of_many(&self, ordinals: &[u32]) -> Result<Vec<Option<Facts>>, StoreError> {
        let asked: Vec<Ordinal> = ordinals.iter().copied().map(Ordinal).collect();
        let contacts = self.store.by_ordinals(self.tenant, &asked, Consistency::Strong).await?;
        let facts: HashMap<u32, Facts> =
            contacts.iter().map(|contact| (contact.ordinal.0, Facts::of(contact))).collect();
        Ok(ordinals.iter().map(|ordinal| facts.get(ordinal).cloned()).collect())
    }
}
