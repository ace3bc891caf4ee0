use std::future::Future;

use uuid::Uuid;

use crate::StoreError;

/// Shares one quota among all instances: each takes some of it in advance, so that most requests
/// cost nothing.
pub trait QuotaStore: Send + Sync {
    /// Takes `count` of a key's quota for a window of time, and tells how much of it is taken then;
    /// none if there is not so much left.
    fn take_quota(
        &self,
        key: Uuid,
        window: u64,
        count: u32,
        quota: u32,
    ) -> impl Future<Output = Result<Option<u32>, StoreError>> + Send;
}
