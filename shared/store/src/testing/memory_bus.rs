use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use model::TenantId;
use model::scoring::Event;

use crate::{EventBus, StoreError};

/// Keeps published events in a list; those with the id `refused` it does not take.
#[derive(Debug, Clone, Default)]
pub struct MemoryBus(Arc<Mutex<Vec<(TenantId, Event)>>>);

impl MemoryBus {
    /// Takes all events that were published.
    pub fn take(&self) -> Vec<(TenantId, Event)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EventBus for MemoryBus {
    async fn publish(&self, tenant: TenantId, events: &[Event]) -> Result<BTreeSet<usize>, StoreError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = BTreeSet::new();
        for (place, event) in events.iter().enumerate() {
            if event.id.as_str() == "refused" {
                left.insert(place);
            } else {
                kept.push((tenant, event.clone()));
            }
        }
        Ok(left)
    }
}
