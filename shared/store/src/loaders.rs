use std::future::Future;

use chrono::{DateTime, Utc};
use model::TenantId;

use crate::StoreError;

/// How many loaders work for one tenant at once. A deployment has ten unless it says otherwise, so
/// that however much one tenant brings, others find one free.
pub const LOADERS_A_TENANT: u8 = 4;

/// Shares the loaders out among tenants.
pub trait LoaderStore: Send + Sync {
    /// Takes one of a tenant's places for a piece of work, or keeps the one that it has; false while
    /// others have all of them. Whoever dies gives its place back when `until` has come.
    fn take_loader(
        &self,
        tenant: TenantId,
        work: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Gives the place of a piece of work back.
    fn leave_loader(
        &self,
        tenant: TenantId,
        work: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
