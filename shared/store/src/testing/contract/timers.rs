//! Clauses on timers.

use chrono::{DateTime, TimeDelta, Utc};
use model::Tenant;

use super::AnyStore;
use super::contacts::now;
use crate::testing::tenant;
use crate::{TimedTask, Timer};

fn timer(tenant: &Tenant, task: TimedTask, due_at: DateTime<Utc>) -> Timer {
    Timer { tenant: tenant.id, task, due_at }
}

async fn due(store: &impl AnyStore, tenant: &Tenant, now: DateTime<Utc>) -> Vec<Timer> {
    let mut timers = store.due_timers(now).await.expect("read");
    timers.retain(|timer| timer.tenant == tenant.id);
    timers.sort_by_key(|timer| timer.task);
    timers
}

/// Whoever set it later cannot make it wait.
pub async fn a_timer_is_due_at_the_earliest_time_it_was_set_to(store: &impl AnyStore) {
    let (tenant, now) = (tenant(), now());
    let later = timer(&tenant, TimedTask::Segments, now + TimeDelta::minutes(5));
    store.set_timer(&later).await.expect("set");
    assert_eq!(due(store, &tenant, now).await, []);
    let sooner = timer(&tenant, TimedTask::Segments, now);
    store.set_timer(&sooner).await.expect("set");
    store.set_timer(&later).await.expect("set");
    let other = timer(&tenant, TimedTask::Scores, now - TimeDelta::minutes(1));
    store.set_timer(&other).await.expect("set");
    assert_eq!(due(store, &tenant, now).await, [sooner, other]);
}

/// So that a task that ends does not undo what was set while it ran.
pub async fn a_timer_is_moved_only_from_where_it_was_read(store: &impl AnyStore) {
    let (tenant, now) = (tenant(), now());
    let first = timer(&tenant, TimedTask::Scores, now);
    assert!(!store.move_timer(&first, Some(now)).await.expect("move"), "there is none");
    assert!(!store.move_timer(&first, None).await.expect("move"), "there is none");
    store.set_timer(&first).await.expect("set");
    let claimed = Timer { due_at: now + TimeDelta::minutes(3), ..first };
    assert!(store.move_timer(&first, Some(claimed.due_at)).await.expect("move"));
    assert!(!store.move_timer(&first, Some(now)).await.expect("move"));
    assert_eq!(due(store, &tenant, now).await, []);
    store.set_timer(&first).await.expect("set");
    assert!(!store.move_timer(&claimed, None).await.expect("move"), "it was set since");
    assert_eq!(due(store, &tenant, now).await, [first]);
    assert!(store.move_timer(&first, None).await.expect("move"));
    assert_eq!(due(store, &tenant, now + TimeDelta::days(1)).await, []);
}
