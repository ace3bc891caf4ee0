//! The clock: what changes because time passes, and what is worked on behind the API.
//!
//! A schedule sends a tick each minute. A tick claims the timers that are due, and sends a message
//! for each, so that tenants do not wait for each other. Each task brings its tenant up to now,
//! however many ticks were missed, and may be done twice; then its timer is set to when it is due
//! next. Whoever dies on the way leaves the timer to a later tick.

mod error;
mod lists;
mod segments;
mod task;
#[cfg(test)]
mod tests;
mod tick;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use index::IndexTable;
use scoring::ScoringStore;
use serde_json::Value;
use serde_json::value::RawValue;
use store::{
    Clock, ClockMessage, ClockQueue, DomainEventBus, FrozenStore, ListJobStore, StoreError, TimerStore,
    WatchStore,
};
use tracing::{error, warn};

pub use error::ClockError;

/// Is a store of everything that the clock touches.
pub trait ClockStore:
    TimerStore + ScoringStore + WatchStore + FrozenStore + ListJobStore + IndexTable<Error = StoreError> + Clone
{
}

impl<S> ClockStore for S where
    S: TimerStore
        + ScoringStore
        + WatchStore
        + FrozenStore
        + ListJobStore
        + IndexTable<Error = StoreError>
        + Clone
{
}

/// Holds what the function works with.
#[derive(Debug, Clone)]
pub struct Deps<S, Q, B> {
    store: S,
    queue: Q,
    bus: B,
    clock: Clock,
    scoring: scoring::Deps<S>,
}

impl<S: ClockStore, Q: ClockQueue, B: DomainEventBus> Deps<S, Q, B> {
    /// Works with a store, a queue and a bus.
    pub fn new(store: S, queue: Q, bus: B, clock: Clock) -> Self {
        Self { scoring: scoring::Deps::new(store.clone(), clock), store, queue, bus, clock }
    }
}

/// Takes a batch of messages from SQS, and answers with those that are to be delivered again.
///
/// # Errors
/// None that a message could cause; the answer could not be written.
pub async fn handle<S: ClockStore, Q: ClockQueue, B: DomainEventBus>(
    deps: &Deps<S, Q, B>,
    event: &RawValue,
) -> Result<Value, ClockError> {
    let Ok(batch) = serde_json::from_str::<SqsEvent>(event.get()) else {
        warn!("ignored a malformed batch from SQS");
        return Ok(Value::Null);
    };
    let mut answer = SqsBatchResponse::default();
    for record in batch.records {
        let done = match read(&record) {
            Some(ClockMessage::Tick) => tick::tick(deps).await,
            Some(ClockMessage::Run(timer)) => task::run(deps, timer).await,
            None => {
                warn!("dropped a message that is nothing for the clock");
                continue;
            }
        };
        if let Err(failure) = done {
            error!(error = failure.with_causes(), "what is due was not done");
            answer.add_failure(record.message_id.unwrap_or_default());
        }
    }
    Ok(serde_json::to_value(answer)?)
}

fn read(record: &SqsMessage) -> Option<ClockMessage> {
    serde_json::from_str(record.body.as_deref()?).ok()
}
