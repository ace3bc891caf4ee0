use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use index::{Item, ItemKey, Nonce};
use model::TenantId;
use uuid::Uuid;

use super::MemoryStore;
use crate::{SegmentClock, StoreError, TransitionStore, Transitions};

/// The clock of a tenant's segments, and what is still to tell.
#[derive(Debug, Default)]
pub(super) struct Segments {
    clock: SegmentClock,
    untold: BTreeMap<(DateTime<Utc>, Uuid), Transitions>,
}

impl TransitionStore for MemoryStore {
    async fn advance_segments(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> Result<SegmentClock, StoreError> {
        self.call(|state| {
            let clock = &mut state.segments.entry(tenant).or_default().clock;
            clock.at = clock.at.max(Some(now));
            *clock
        })
    }

    async fn segments_looked_at(&self, tenant: TenantId, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.call(|state| state.segments.entry(tenant).or_default().clock.looked_at = Some(at))
    }

    async fn put_members(
        &self,
        tenant: TenantId,
        key: &ItemKey,
        members: Item,
        seen: Option<Nonce>,
        tells: &Transitions,
    ) -> Result<bool, StoreError> {
        self.call(|state| {
            let is_unchanged = state.index.get(key).map(|item| item.nonce) == seen;
            if is_unchanged {
                state.index.insert(key.clone(), members);
                let untold = &mut state.segments.entry(tenant).or_default().untold;
                untold.insert((tells.at, tells.id), tells.clone());
            }
            is_unchanged
        })
    }

    async fn untold(&self, tenant: TenantId) -> Result<Vec<Transitions>, StoreError> {
        self.call(|state| {
            state
                .segments
                .get(&tenant)
                .into_iter()
                .flat_map(|segments| segments.untold.values())
                .cloned()
                .collect()
        })
    }

    async fn told(&self, tenant: TenantId, transitions: &Transitions) -> Result<(), StoreError> {
        self.call(|state| {
            let segments = state.segments.entry(tenant).or_default();
            segments.untold.remove(&(transitions.at, transitions.id));
        })
    }
}
