//! Messages and dead letters as values. Those with a body have no `Debug`: bodies hold
//! personal data and must not reach a log.

use std::fmt;
use std::time::Duration;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use uuid::Uuid;

/// Identifies a message; SQS's `messageId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId(Uuid);

/// A message to be stored.
#[derive(Clone)]
pub struct NewMessage {
    /// The route it takes, such as `import-ranges`.
    pub destination: String,
    /// Whose message it is (SQS's `MessageGroupId`, the tenant), for fair turns.
    pub group: Option<String>,
    /// The text to deliver.
    pub body: String,
    /// How long it is kept back at first.
    pub delay: Duration,
}

/// A message that was claimed.
#[derive(Clone)]
pub struct Message {
    /// Its identity over all deliveries.
    pub id: MessageId,
    /// Whose message it is.
    pub group: Option<String>,
    /// The text to deliver.
    pub body: String,
    /// Deliveries so far, this one included.
    pub receives: u32,
    /// Those of them that ended with the process and not with an answer.
    pub interrupted: u32,
    /// When it was stored.
    pub sent_at_ms: i64,
    /// When it was first claimed.
    pub first_received_at_ms: i64,
}

/// A message that was given up.
#[derive(Clone)]
pub struct DeadLetter {
    /// The identity it had as a message, and has again after a redrive.
    pub id: MessageId,
    /// Whose message it was.
    pub group: Option<String>,
    /// The whole text.
    pub body: String,
    /// Deliveries before it was given up.
    pub receives: u32,
    /// The last error.
    pub reason: String,
    /// When it was stored as a message.
    pub sent_at_ms: i64,
    /// When it was given up.
    pub buried_at_ms: i64,
}

impl NewMessage {
    /// Makes a message without a group.
    pub fn new(destination: impl Into<String>, body: impl Into<String>) -> NewMessage {
        NewMessage { destination: destination.into(), group: None, body: body.into(), delay: Duration::ZERO }
    }
}

impl Message {
    /// Counts the deliveries that are held against it. A process that was killed or
    /// restarted many times during one long import must not turn its work to dead letters.
    pub fn attempts(&self) -> u32 {
        self.receives.saturating_sub(self.interrupted)
    }
}

impl MessageId {
    pub(super) fn random() -> MessageId {
        MessageId(Uuid::new_v4())
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ToSql for MessageId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_string().into())
    }
}

impl FromSql for MessageId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Uuid::parse_str(value.as_str()?).map(MessageId).map_err(|error| FromSqlError::Other(error.into()))
    }
}
