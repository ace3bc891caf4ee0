//! Deliveries of the local process: what S3 notifications, SQS queues, DynamoDB streams and
//! their event source mappings do on AWS.
//!
//! A message is stored in the [`Mailbox`] (a SQLite file) before anyone is told that it
//! was taken, and leaves it only when a handler has answered for it or when it is buried
//! among the dead letters. [`Deliveries`] hands the messages to Lambda-shaped handlers as
//! the same JSON events as on AWS; [`intake`] takes messages from the real SQS client.
//! Everything is at least once: after `kill -9` what was in flight is delivered again.

mod batch_answer;
mod error_text;
pub mod intake;
pub mod mailbox;
mod route;
mod schedule;
mod sqs_event;
mod stream;
#[cfg(test)]
mod testing;
mod worker;

pub(crate) use error_text::error_text;
pub use mailbox::{DeadLetter, Mailbox, MailboxError, Message, MessageId, NewMessage};
pub use route::{Backoff, BoxError, Handler, Route, Source};
pub use schedule::Schedule;
pub use worker::Deliveries;

/// The account number in local queue URLs and ARNs.
pub(crate) const ACCOUNT: &str = "000000000000";

/// The region in local events.
pub(crate) const REGION: &str = "us-east-1";

/// Reads the wall clock: it dates messages, and must go on across restarts.
fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
