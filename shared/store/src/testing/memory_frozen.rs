use chrono::{DateTime, TimeDelta, Utc};
use model::{Ordinal, TenantId};
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::MemoryStore;
use crate::{FrozenPage, FrozenStore, StoreError};

/// A set, and until when it is kept.
pub(super) type Kept = (RoaringBitmap, DateTime<Utc>);

impl FrozenStore for MemoryStore {
    async fn freeze(
        &self,
        tenant: TenantId,
        id: Uuid,
        set: &RoaringBitmap,
        keep_for: TimeDelta,
    ) -> Result<(), StoreError> {
        let until = Utc::now() + keep_for;
        self.call(|state| drop(state.frozen.insert((tenant, id), (set.clone(), until))))
    }

    async fn frozen(
        &self,
        tenant: TenantId,
        id: Uuid,
        below: Option<Ordinal>,
        limit: usize,
    ) -> Result<Option<FrozenPage>, StoreError> {
        self.call(|state| {
            let (set, _) = state.frozen.get(&(tenant, id)).filter(|(_, until)| *until > Utc::now())?;
            let page = FrozenPage::of(set, below, limit);
            (!page.ordinals.is_empty()).then_some(page)
        })
    }
}
