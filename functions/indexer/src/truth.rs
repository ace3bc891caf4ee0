use index::{Contacts, Facts};
use model::{Ordinal, Tenant};
use store::{Consistency, ContactStore, StoreError};

/// Reads a tenant's contacts as they are now.
pub(crate) struct Truth<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) tenant: &'a Tenant,
}

impl<S: ContactStore> Contacts for Truth<'_, S> {
    type Error = StoreError;

    async fn facts(&self, ordinal: u32) -> Result<Option<Facts>, StoreError> {
        let found = self.store.by_ordinals(self.tenant, &[Ordinal(ordinal)], Consistency::Strong).await?;
        Ok(found.first().map(Facts::of))
    }
}
