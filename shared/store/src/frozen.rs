use std::future::Future;

use chrono::TimeDelta;
use model::{Ordinal, TenantId};
use roaring::RoaringBitmap;
use uuid::Uuid;

use crate::StoreError;

/// Holds some of a frozen set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenPage {
    /// The highest ordinals below the place, the highest first.
    pub ordinals: Vec<Ordinal>,
    /// How many lie below these.
    pub remaining: u64,
}

impl FrozenPage {
    /// Takes the highest ordinals of a set below a place.
    pub fn of(set: &RoaringBitmap, below: Option<Ordinal>, limit: usize) -> Self {
        let below = below.map_or(u64::from(u32::MAX) + 1, |below| u64::from(below.0));
        let mut ordinals = Vec::with_capacity(limit.min(1_000));
        if let Some(last) = below.checked_sub(1).and_then(|last| u32::try_from(last).ok()) {
            ordinals.extend(set.range(..=last).rev().take(limit).map(Ordinal));
        }
        let lowest = ordinals.last().map_or(below, |last| u64::from(last.0));
        let remaining = u32::try_from(lowest).map_or(set.len(), |lowest| set.range_cardinality(..lowest));
        Self { ordinals, remaining }
    }
}

/// Keeps sets of contacts as they were at a moment, so that a walk over one takes as long as it likes
/// whatever changes meanwhile.
pub trait FrozenStore: Send + Sync {
    /// Keeps a set for a while, under an id that was not used before. What a crash leaves of one goes
    /// away with its time.
    fn freeze(
        &self,
        tenant: TenantId,
        id: Uuid,
        set: &RoaringBitmap,
        keep_for: TimeDelta,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives the highest ordinals of a set below a place, exactly so many unless fewer are left. None
    /// where nothing lies there: the set is over, was never kept, or its time has passed. Costs the
    /// same however large the set is.
    fn frozen(
        &self,
        tenant: TenantId,
        id: Uuid,
        below: Option<Ordinal>,
        limit: usize,
    ) -> impl Future<Output = Result<Option<FrozenPage>, StoreError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(below: Option<u32>, limit: usize) -> (Vec<u32>, u64) {
        let set = RoaringBitmap::from([0, 5, 70_000, u32::MAX]);
        let page = FrozenPage::of(&set, below.map(Ordinal), limit);
        (page.ordinals.into_iter().map(|ordinal| ordinal.0).collect(), page.remaining)
    }

    #[test]
    fn a_page_is_what_lies_highest_below_its_place() {
        assert_eq!(page(None, 2), (vec![u32::MAX, 70_000], 2));
        assert_eq!(page(Some(u32::MAX), 1), (vec![70_000], 2));
        assert_eq!(page(Some(70_000), 9), (vec![5, 0], 0));
        assert_eq!(page(Some(0), 9), (vec![], 0));
        assert_eq!(page(None, 0), (vec![], 4));
    }
}
