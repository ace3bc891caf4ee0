//! Where the messages of a destination go and how patiently.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::value::RawValue;

use crate::engine::StreamLog;

/// What a handler fails with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A Lambda-shaped handler: an event's JSON in, an answer or an error out.
pub type Handler =
    Arc<dyn Fn(Box<RawValue>) -> BoxFuture<'static, Result<serde_json::Value, BoxError>> + Send + Sync>;

/// Names the AWS service that would invoke the handler, and so the shape of its event.
#[derive(Debug, Clone)]
pub enum Source {
    /// An asynchronous invocation, as by S3: the body is the event, one at a time.
    Notification,
    /// An SQS event source mapping with `ReportBatchItemFailures`.
    Queue {
        /// Most messages in one event.
        batch_size: usize,
    },
    /// A DynamoDB stream's event source mapping with `ReportBatchItemFailures` and
    /// `BisectBatchOnFunctionError`. In the mailbox are only its redriven dead letters.
    Stream {
        /// What to deliver.
        log: StreamLog,
        /// Most records in one event.
        batch_size: usize,
    },
}

/// Says how long to wait before the next attempt.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The wait after the first failure; it doubles with each further one.
    pub first: Duration,
    /// The longest wait.
    pub cap: Duration,
}

/// Joins a destination of the mailbox with its handler.
#[derive(Clone)]
pub struct Route {
    /// The destination in the mailbox; for a queue also the queue's name.
    pub destination: String,
    /// The shape of the event.
    pub source: Source,
    /// Who gets the events.
    pub handler: Handler,
    /// Most invocations at the same time.
    pub concurrency: usize,
    /// Attempts before a message is buried among the dead letters.
    pub max_receives: u32,
    /// Waits between the attempts.
    pub backoff: Backoff,
    /// The longest an invocation may take, as a function's timeout; then it is aborted
    /// and counts as failed. Without it a hung handler would keep its place for ever.
    pub timeout: Duration,
}

impl Backoff {
    /// Returns the wait after `attempts` failures: exponential, of which `random` (any
    /// number) takes off up to a half, so that what failed together does not return together.
    pub(super) fn delay(&self, attempts: u32, random: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let full = self.first.saturating_mul(1 << doublings).min(self.cap);
        let share = f64::from(random) / f64::from(u32::MAX);
        full.mul_f64(1.0 - share / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_cap_and_jitter_takes_off_at_most_half() {
        let backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(10) };
        let full: Vec<_> = (1..=6).map(|attempts| backoff.delay(attempts, 0).as_secs()).collect();
        assert_eq!(full, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.delay(3, u32::MAX), Duration::from_secs(2));
        assert_eq!(backoff.delay(u32::MAX, 0), Duration::from_secs(10));
    }
}
