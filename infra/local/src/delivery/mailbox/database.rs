//! The SQLite file: its schema and the statements on it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::MailboxError;
use super::claim::Turns;
use super::message::{DeadLetter, MessageId, NewMessage};
use crate::sqlite::with_small_cache;

/// `message_group` is empty for "none", so that comparing needs no case for NULL. The index
/// answers a claim (heads of the groups), the counts and the next due time by ranges.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS messages (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  destination TEXT NOT NULL,
  message_group TEXT NOT NULL,
  body TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('held', 'ready', 'in flight')),
  receives INTEGER NOT NULL DEFAULT 0,
  interrupted INTEGER NOT NULL DEFAULT 0,
  visible_at INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  first_received_at INTEGER
);
CREATE INDEX IF NOT EXISTS message_turns
  ON messages (destination, state, message_group, visible_at, seq);
CREATE TABLE IF NOT EXISTS dead_letters (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  destination TEXT NOT NULL,
  message_group TEXT NOT NULL,
  body TEXT NOT NULL,
  receives INTEGER NOT NULL,
  reason TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  buried_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS dead_letter_destinations ON dead_letters (destination, seq);
CREATE TABLE IF NOT EXISTS stream_positions (destination TEXT PRIMARY KEY, position INTEGER NOT NULL);
";

/// An interrupted receive stays in `receives` (handlers are told that it may be a
/// redelivery) but is not held against the message.
const RECOVER: &str = "
UPDATE messages SET interrupted = interrupted + 1 WHERE state = 'in flight';
UPDATE messages SET state = 'ready' WHERE state IN ('held', 'in flight');
";

/// The connection and what goes with it under the same lock.
pub(super) struct Database {
    connection: Connection,
    turns: Turns,
}

impl Database {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Database> {
        let connection = with_small_cache(Connection::open(path)?)?;
        // A former process may be just ending; longer than that is another one at work.
        connection.busy_timeout(Duration::from_secs(1))?;
        // Exclusive: a second process would take what the first has in flight for the
        // leavings of a crash. The lock goes with the process, however it ends.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Survives kill -9 (the pages are the kernel's by then); a power cut may take the
        // last commits.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let mut database = Database { connection, turns: Turns::default() };
        database.transaction(|tx, _| {
            tx.execute_batch(SCHEMA)?;
            tx.execute_batch(RECOVER)
        })?;
        Ok(database)
    }

    /// Runs `work` and commits unless it fails.
    pub(super) fn transaction<T, E: From<rusqlite::Error>>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut Turns) -> Result<T, E>,
    ) -> Result<T, E> {
        let Database { connection, turns } = self;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answer = work(&tx, turns)?;
        tx.commit()?;
        Ok(answer)
    }
}

pub(super) fn insert(
    tx: &Transaction<'_>,
    message: &NewMessage,
    state: &str,
    now_ms: i64,
) -> Result<MessageId, MailboxError> {
    let id = MessageId::random();
    let group = message.group.as_deref().unwrap_or_default();
    let visible_ms = now_ms.saturating_add(i64::try_from(message.delay.as_millis()).unwrap_or(i64::MAX));
    tx.prepare_cached(
        "INSERT INTO messages (id, destination, message_group, body, state, visible_at, sent_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute((id, &message.destination, group, &message.body, state, visible_ms, now_ms))?;
    Ok(id)
}

/// Returns whether the message was in flight.
pub(super) fn bury(tx: &Transaction<'_>, id: MessageId, reason: &str, now_ms: i64) -> rusqlite::Result<bool> {
    let buried = tx
        .prepare_cached(
            "INSERT INTO dead_letters
               (id, destination, message_group, body, receives, reason, sent_at, buried_at)
             SELECT id, destination, message_group, body, receives, ?2, sent_at, ?3
             FROM messages WHERE id = ?1 AND state = 'in flight'",
        )?
        .execute((id, reason, now_ms))?;
    if buried > 0 {
        tx.prepare_cached("DELETE FROM messages WHERE id = ?1")?.execute([id])?;
    }
    Ok(buried > 0)
}

pub(super) fn dead(tx: &Transaction<'_>, destination: &str) -> rusqlite::Result<Vec<DeadLetter>> {
    tx.prepare_cached(
        "SELECT id, message_group, body, receives, reason, sent_at, buried_at
         FROM dead_letters WHERE destination = ?1 ORDER BY seq",
    )?
    .query_map([destination], |row| {
        Ok(DeadLetter {
            id: row.get(0)?,
            group: group(row.get(1)?),
            body: row.get(2)?,
            receives: row.get(3)?,
            reason: row.get(4)?,
            sent_at_ms: row.get(5)?,
            buried_at_ms: row.get(6)?,
        })
    })?
    .collect()
}

pub(super) fn redrive(tx: &Transaction<'_>, destination: &str, now_ms: i64) -> rusqlite::Result<usize> {
    let count = tx
        .prepare_cached(
            "INSERT INTO messages (id, destination, message_group, body, state, visible_at, sent_at)
             SELECT id, destination, message_group, body, 'ready', ?2, sent_at
             FROM dead_letters WHERE destination = ?1 ORDER BY seq",
        )?
        .execute((destination, now_ms))?;
    tx.prepare_cached("DELETE FROM dead_letters WHERE destination = ?1")?.execute([destination])?;
    Ok(count)
}

pub(super) fn deliverable(tx: &Transaction<'_>, destination: &str, now_ms: i64) -> rusqlite::Result<u64> {
    tx.prepare_cached(
        "SELECT count(*) FROM messages WHERE destination = ?1 AND state = 'ready' AND visible_at <= ?2",
    )?
    .query_row((destination, now_ms), |row| row.get(0))
}

pub(super) fn pending(tx: &Transaction<'_>, destination: &str) -> rusqlite::Result<u64> {
    tx.prepare_cached("SELECT count(*) FROM messages WHERE destination = ?1")?
        .query_row([destination], |row| row.get(0))
}

pub(super) fn next_visible_ms(tx: &Transaction<'_>, destination: &str) -> rusqlite::Result<Option<i64>> {
    tx.prepare_cached("SELECT min(visible_at) FROM messages WHERE destination = ?1 AND state = 'ready'")?
        .query_row([destination], |row| row.get(0))
        .optional()
        .map(Option::flatten)
}

/// Tells up to where a stream was delivered; 0 before its first record.
pub(super) fn position(tx: &Transaction<'_>, destination: &str) -> rusqlite::Result<i64> {
    tx.prepare_cached("SELECT position FROM stream_positions WHERE destination = ?1")?
        .query_row([destination], |row| row.get(0))
        .optional()
        .map(Option::unwrap_or_default)
}

pub(super) fn advance(tx: &Transaction<'_>, destination: &str, position: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO stream_positions (destination, position) VALUES (?1, ?2)
         ON CONFLICT (destination) DO UPDATE SET position = excluded.position",
    )?
    .execute((destination, position))?;
    Ok(())
}

/// Buries what never was a message.
pub(super) fn bury_event(
    tx: &Transaction<'_>,
    event: &NewMessage,
    attempts: u32,
    reason: &str,
    now_ms: i64,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO dead_letters
           (id, destination, message_group, body, receives, reason, sent_at, buried_at)
         VALUES (?1, ?2, '', ?3, ?4, ?5, ?6, ?6)",
    )?
    .execute((MessageId::random(), &event.destination, &event.body, attempts, reason, now_ms))?;
    Ok(())
}

/// Reads the stored form of a group.
pub(super) fn group(stored: String) -> Option<String> {
    (!stored.is_empty()).then_some(stored)
}
