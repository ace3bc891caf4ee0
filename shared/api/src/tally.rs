//! Counting what requests used.
//!
//! Each instance has a record of its own for each tenant, kind and day, and puts its whole count
//! there: a put that is sent twice changes nothing, and no two instances write one item. Requests
//! that come while a put is under way are counted by the next one, together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use model::TenantId;
use store::{Cache, Consumed, StoreError, UsageKind, UsageParts, UsageRecord, UsageStore};
use tokio::sync::Mutex;
use uuid::Uuid;

/// Longer than the day that is counted; what comes later is counted in another record.
const KEPT_FOR: Duration = Duration::from_secs(25 * 60 * 60);

type Key = (TenantId, UsageKind, NaiveDate);

/// Holds what this instance has counted.
#[derive(Debug, Clone)]
pub(crate) struct Tally(Cache<Key, Arc<Count>>);

#[derive(Debug)]
struct Count {
    record: Uuid,
    counted: AtomicU64,
    written: Mutex<u64>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self(Cache::new(10_000).for_at_most(KEPT_FOR))
    }

    /// Counts one more, and returns when that is stored.
    pub(crate) async fn add(
        &self,
        store: &impl UsageStore,
        tenant: TenantId,
        kind: UsageKind,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let day = now.date_naive();
        let new =
            || Arc::new(Count { record: Uuid::new_v4(), counted: AtomicU64::new(0), written: Mutex::new(0) });
        let count = self.0.get_or_insert_with((tenant, kind, day), new);
        let mine = count.counted.fetch_add(1, Ordering::Relaxed) + 1;
        let mut written = count.written.lock().await;
        if *written >= mine {
            return Ok(());
        }
        let amount = count.counted.load(Ordering::Relaxed);
        let id = count.record.to_string();
        let (parts, consumed) = (UsageParts::default(), Consumed::default());
        store.record_usage(tenant, day, &UsageRecord { kind, id, amount, parts, consumed, at: now }).await?;
        *written = amount;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use store::testing::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn what_instances_count_side_by_side_is_exact() {
        let store = MemoryStore::default();
        let (tenant, other) = (TenantId(Uuid::new_v4()), TenantId(Uuid::new_v4()));
        let instances = [Tally::new(), Tally::new()];
        let now = DateTime::UNIX_EPOCH;
        let adds = (0..99).map(|n| instances[n % 2].add(&store, tenant, UsageKind::Searches, now));
        for added in join_all(adds).await {
            added.unwrap();
        }
        let used = store.day_usage(tenant, now.date_naive()).await.unwrap();
        assert_eq!(used.amounts, [(UsageKind::Searches, 99)].into());
        assert_eq!(store.day_usage(other, now.date_naive()).await.unwrap().amounts, [].into());
    }
}
