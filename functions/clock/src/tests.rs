use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use store::testing::{CallFaults, MemoryBus, MemoryQueue, MemoryStore, Moment, tenant};
use store::{TimedTask, TimerStore};

use super::*;
use store::Timer;

fn now() -> DateTime<Utc> {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

fn deps(
    store: &MemoryStore,
    queue: &MemoryQueue,
    now: DateTime<Utc>,
) -> Deps<MemoryStore, MemoryQueue, MemoryBus> {
    Deps::new(store.clone(), queue.clone(), MemoryBus::default(), Clock::starting_at(now))
}

async fn send(deps: &Deps<MemoryStore, MemoryQueue, MemoryBus>, message: ClockMessage) -> Value {
    let record = json!({ "messageId": "m", "body": json!(message).to_string() });
    let event = RawValue::from_string(json!({ "Records": [record] }).to_string()).unwrap();
    handle(deps, &event).await.unwrap()
}

fn timer(due_at: DateTime<Utc>) -> Timer {
    Timer { tenant: tenant().id, task: TimedTask::Segments, due_at }
}

#[tokio::test]
async fn what_is_due_is_sent_for_once() {
    let (store, queue) = (MemoryStore::default(), MemoryQueue::default());
    let due = timer(now() - TimeDelta::hours(1));
    let later = timer(now() + TimeDelta::hours(1));
    for timer in [due, later] {
        store.set_timer(&timer).await.unwrap();
    }
    let deps = deps(&store, &queue, now());
    for _ in 0..2 {
        send(&deps, ClockMessage::Tick).await;
    }
    let sent = queue.take_timers();
    assert_eq!(sent.iter().map(|timer| timer.tenant).collect::<Vec<_>>(), [due.tenant]);
}

#[tokio::test]
async fn what_died_is_sent_for_again_when_its_claim_is_over() {
    let (store, queue) = (MemoryStore::default(), MemoryQueue::default());
    store.set_timer(&timer(now())).await.unwrap();
    send(&deps(&store, &queue, now()), ClockMessage::Tick).await;
    assert_eq!(queue.take_timers().len(), 1);
    send(&deps(&store, &queue, now() + TimeDelta::minutes(1)), ClockMessage::Tick).await;
    assert_eq!(queue.take_timers(), []);
    send(&deps(&store, &queue, now() + TimeDelta::minutes(3)), ClockMessage::Tick).await;
    assert_eq!(queue.take_timers().len(), 1);
}

#[tokio::test]
async fn a_timer_that_was_set_while_its_task_ran_stays() {
    let (store, queue) = (MemoryStore::default(), MemoryQueue::default());
    let first = timer(now());
    store.set_timer(&first).await.unwrap();
    let deps = deps(&store, &queue, now());
    send(&deps, ClockMessage::Tick).await;
    let claimed = queue.take_timers()[0];
    store.set_timer(&first).await.unwrap();
    send(&deps, ClockMessage::Run(claimed)).await;
    assert_eq!(store.due_timers(now()).await.unwrap(), [first]);
}

#[tokio::test]
async fn a_tick_that_fails_anywhere_comes_again_and_loses_nothing() {
    for fail_at in 0..3 {
        for moment in [Moment::Before, Moment::After] {
            let (store, queue) = (MemoryStore::default(), MemoryQueue::default());
            store.set_timer(&timer(now())).await.unwrap();
            let failing = store.failing(CallFaults::crash(fail_at, moment));
            send(&deps(&failing, &queue, now()), ClockMessage::Tick).await;
            send(&deps(&store, &queue, now() + TimeDelta::minutes(3)), ClockMessage::Tick).await;
            assert!(!queue.take_timers().is_empty(), "lost at call {fail_at}");
        }
    }
}

#[tokio::test]
async fn what_is_nothing_for_the_clock_is_dropped() {
    let (store, queue) = (MemoryStore::default(), MemoryQueue::default());
    let deps = deps(&store, &queue, now());
    for body in [json!({"Records": [{"messageId": "m", "body": "tock"}]}), json!("?")] {
        let event = RawValue::from_string(body.to_string()).unwrap();
        let answer = handle(&deps, &event).await.unwrap();
        assert!(answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty), "{answer}");
    }
}
