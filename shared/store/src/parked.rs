use std::future::Future;

use model::scoring::{Fact, Position};
use model::{Email, Tenant, TenantId};

use crate::StoreError;

/// How long an event waits for a contact with its address.
pub const PARKED_FOR_DAYS: i64 = 30;

/// Keeps facts of addresses that have no contact yet, under the keyed hash of the address.
pub trait ParkedStore: Send + Sync {
    /// Keeps a fact for [`PARKED_FOR_DAYS`]; the same one once.
    fn park(
        &self,
        tenant: &Tenant,
        email: &Email,
        fact: &Fact,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Tells whether anything of this tenant may be kept. Strongly consistent: no means that nothing
    /// was kept when this was called, yes may be for some days longer than true.
    fn parks(&self, tenant: TenantId) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Reads what is kept of an address, the oldest first. Strongly consistent.
    fn parked(
        &self,
        tenant: &Tenant,
        email: &Email,
    ) -> impl Future<Output = Result<Vec<Fact>, StoreError>> + Send;

    /// Forgets a fact that the ledger of a contact has now.
    fn unpark(
        &self,
        tenant: &Tenant,
        email: &Email,
        position: &Position,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
