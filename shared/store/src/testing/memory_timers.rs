use chrono::{DateTime, Utc};

use super::MemoryStore;
use crate::{StoreError, Timer, TimerStore};

impl TimerStore for MemoryStore {
    async fn set_timer(&self, timer: &Timer) -> Result<(), StoreError> {
        self.call(|state| {
            let due = state.timers.entry((timer.tenant, timer.task)).or_insert(timer.due_at);
            *due = timer.due_at.min(*due);
        })
    }

    async fn due_timers(&self, now: DateTime<Utc>) -> Result<Vec<Timer>, StoreError> {
        self.call(|state| {
            let timers = state.timers.iter().map(|(&(tenant, task), &due_at)| Timer { tenant, task, due_at });
            timers.filter(|timer| timer.due_at <= now).collect()
        })
    }

    async fn move_timer(&self, read: &Timer, to: Option<DateTime<Utc>>) -> Result<bool, StoreError> {
        self.call(|state| {
            let place = (read.tenant, read.task);
            if state.timers.get(&place) != Some(&read.due_at) {
                return false;
            }
            match to {
                Some(to) => state.timers.insert(place, to),
                None => state.timers.remove(&place),
            };
            true
        })
    }
}
