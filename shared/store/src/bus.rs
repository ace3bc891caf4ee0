use std::collections::BTreeSet;
use std::future::Future;

use model::TenantId;
use model::scoring::Event;

use crate::StoreError;

/// Is what engagement events come from on the bus.
pub const ENGAGEMENT: &str = "leads.engagement";

/// Hands events on to whoever listens, at least once.
pub trait EventBus: Send + Sync {
    /// Puts events of a tenant on the bus and gives the places of those that it did not take: they
    /// may be sent again.
    fn publish(
        &self,
        tenant: TenantId,
        events: &[Event],
    ) -> impl Future<Output = Result<BTreeSet<usize>, StoreError>> + Send;
}
