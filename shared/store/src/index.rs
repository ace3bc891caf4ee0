//! What ties a tenant's contacts to its search index.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use index::{Contacts, Facts, Generation};
use model::{Ordinal, Tenant};

use crate::{Consistency, ContactStore, StoreError};

/// How old what an instance knows of a tenant may be, in seconds, with room for clocks that differ.
pub const TENANTS_KNOWN_IN_S: u64 = 65;

/// Names the build of a tenant's index that is read.
pub fn index_generation(tenant: &Tenant) -> Generation {
    generation(tenant, tenant.generations.current)
}

/// Names every build of a tenant's index that is written by whoever begins now.
pub fn written_generations(tenant: &Tenant, now: DateTime<Utc>) -> Vec<Generation> {
    let now = now.timestamp().try_into().unwrap_or_default();
    tenant.generations.written(now).map(|number| generation(tenant, number)).collect()
}

/// Names a build of a tenant's index by its number.
pub fn generation(tenant: &Tenant, number: u8) -> Generation {
    Generation { tenant: tenant.id.0.into_bytes(), number }
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
