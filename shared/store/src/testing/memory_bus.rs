use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use model::TenantId;
use model::scoring::Event;

use crate::{DomainEvent, DomainEventBus, EventBus, StoreError};

/// Keeps published events in lists; those with the id `refused` it does not take.
#[derive(Debug, Clone, Default)]
pub struct MemoryBus(Arc<Mutex<Vec<(TenantId, Event)>>>, Arc<Mutex<Announced>>);

#[derive(Debug, Default)]
struct Announced {
    events: Vec<DomainEvent>,
    is_down: bool,
}

impl MemoryBus {
    /// Takes all events that were published.
    pub fn take(&self) -> Vec<(TenantId, Event)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl MemoryBus {
    /// Takes all domain events that were announced.
    pub fn take_announced(&self) -> Vec<DomainEvent> {
        std::mem::take(&mut self.1.lock().unwrap_or_else(PoisonError::into_inner).events)
    }

    /// Tells whether it takes none.
    pub fn is_down(&self) -> bool {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).is_down
    }

    /// Takes no domain events from now on, or does again.
    pub fn be_down(&self, is_down: bool) {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).is_down = is_down;
    }
}

impl DomainEventBus for MemoryBus {
    async fn announce(&self, events: &[DomainEvent]) -> Result<BTreeSet<usize>, StoreError> {
        let mut announced = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        if announced.is_down {
            return Ok((0..events.len()).collect());
        }
        announced.events.extend_from_slice(events);
        Ok(BTreeSet::new())
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
