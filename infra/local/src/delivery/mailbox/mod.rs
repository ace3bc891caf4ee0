//! The durable store of messages: one SQLite file.
//!
//! ```text
//! hold ──> held ──release──> ready ──claim──> in flight ──ack──> gone
//!            │                 ▲ ▲                │ │
//!         discard    push_all ─┘ └────retry───────┘ └──bury──> dead letter ──redrive──> ready
//! ```
//! A held message is one that was announced but may not have happened (an S3 object still
//! being published). Opening the file makes every held message and every one in flight
//! ready: after a crash nobody knows how far they came, and handlers bear redelivery and a
//! missing object.

mod claim;
mod database;
mod message;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Transaction;
use tokio::sync::watch;

pub use message::{DeadLetter, Message, MessageId, NewMessage};

use claim::Turns;
use database::Database;

/// What the mailbox can answer besides success.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// The file cannot be opened, or another process has it open.
    #[error("cannot open the mailbox; another process may be using it")]
    Open(#[source] rusqlite::Error),
    /// A read or write failed; nothing of it was stored.
    #[error("the mailbox failed")]
    Storage(#[from] rusqlite::Error),
    /// The message is not in a state for this.
    #[error("message `{id}` is not {wanted}")]
    WrongState {
        /// The message.
        id: MessageId,
        /// The state it should have been in.
        wanted: &'static str,
    },
    /// The runtime is going down.
    #[error("the process is stopping")]
    Stopping,
}

/// Stores messages until they are handled; clones share the file.
///
/// The SQLite calls run on tokio's blocking threads: most take some tens of microseconds,
/// but every thousand pages one pays for a checkpoint's fsync, and on a busy disk that is
/// long enough to starve the workers of an async runtime. One connection behind a mutex
/// serves all, as SQLite has one writer anyway. A call that has begun is not undone by
/// dropping its future.
#[derive(Clone)]
pub struct Mailbox {
    inner: Arc<Inner>,
}

struct Inner {
    database: Mutex<Database>,
    /// Marked when something may have become deliverable.
    arrivals: watch::Sender<()>,
    /// Marked when something has left.
    departures: watch::Sender<()>,
}

/// Whom to wake after a change.
#[derive(Clone, Copy)]
enum Wake {
    Nobody,
    Arrivals,
    Departures,
}

impl Mailbox {
    /// Opens or creates the file and makes what a crash left held or in flight ready.
    ///
    /// # Errors
    /// Fails when the file cannot be used or another process has it open.
    pub fn open(path: impl AsRef<Path>) -> Result<Mailbox, MailboxError> {
        let database = Database::open(path.as_ref()).map_err(MailboxError::Open)?;
        Ok(Mailbox {
            inner: Arc::new(Inner {
                database: Mutex::new(database),
                arrivals: watch::Sender::new(()),
                departures: watch::Sender::new(()),
            }),
        })
    }

    /// Stores a message that is not delivered before it is released (or the file reopened).
    pub async fn hold(&self, destination: &str, body: impl Into<String>) -> Result<MessageId, MailboxError> {
        let message = NewMessage::new(destination, body);
        self.run(Wake::Nobody, held(message)).await
    }

    /// [`Self::hold`] for a caller on a blocking thread. Such a caller must not wait for the
    /// async form: that needs a second blocking thread, and when all of them wait so, none is
    /// left.
    ///
    /// # Errors
    /// [`MailboxError::Storage`] when nothing was stored.
    pub fn hold_blocking(
        &self,
        destination: &str,
        body: impl Into<String>,
    ) -> Result<MessageId, MailboxError> {
        let message = NewMessage::new(destination, body);
        self.inner.run(Wake::Nobody, held(message))
    }

    /// Makes a held message deliverable.
    ///
    /// # Errors
    /// [`MailboxError::WrongState`] when it is not held.
    pub async fn release(&self, id: MessageId) -> Result<(), MailboxError> {
        self.run(Wake::Arrivals, released(id)).await
    }

    /// [`Self::release`] for a caller on a blocking thread.
    ///
    /// # Errors
    /// [`MailboxError::WrongState`] when it is not held.
    pub fn release_blocking(&self, id: MessageId) -> Result<(), MailboxError> {
        self.inner.run(Wake::Arrivals, released(id))
    }

    /// Forgets a held message, as what it announced did not happen; a second time is fine.
    pub async fn discard(&self, id: MessageId) -> Result<(), MailboxError> {
        self.run(Wake::Departures, discarded(id)).await
    }

    /// [`Self::discard`] for a caller on a blocking thread.
    ///
    /// # Errors
    /// [`MailboxError::Storage`] when the message stays.
    pub fn discard_blocking(&self, id: MessageId) -> Result<(), MailboxError> {
        self.inner.run(Wake::Departures, discarded(id))
    }

    /// Stores messages for delivery, all or none; the ids are in their order.
    pub async fn push_all(&self, messages: Vec<NewMessage>) -> Result<Vec<MessageId>, MailboxError> {
        self.run(Wake::Arrivals, move |tx, _| {
            let now = super::now_ms();
            messages.iter().map(|message| database::insert(tx, message, "ready", now)).collect()
        })
        .await
    }

    /// Takes up to `max` deliverable messages: each next one from the group with the fewest
    /// in flight, and among equals from the group that has waited longest since its last
    /// turn. So one tenant's thousand messages do not hold up another's one. Messages
    /// without a group are together one group.
    pub async fn claim(
        &self,
        destination: &str,
        max: usize,
        now_ms: i64,
    ) -> Result<Vec<Message>, MailboxError> {
        let destination = destination.to_owned();
        self.run(Wake::Nobody, move |tx, turns| claim::claim(tx, turns, &destination, max, now_ms)).await
    }

    /// Removes handled messages; unknown ids are fine.
    pub async fn ack(&self, ids: Vec<MessageId>) -> Result<(), MailboxError> {
        self.run(Wake::Departures, move |tx, _| {
            let mut delete =
                tx.prepare_cached("DELETE FROM messages WHERE id = ?1 AND state = 'in flight'")?;
            for id in ids {
                delete.execute([id])?;
            }
            Ok(())
        })
        .await
    }

    /// Returns messages in flight to be delivered again from `visible_at_ms` on.
    pub async fn retry(&self, ids: Vec<MessageId>, visible_at_ms: i64) -> Result<(), MailboxError> {
        self.run(Wake::Arrivals, move |tx, _| {
            let sql =
                "UPDATE messages SET state = 'ready', visible_at = ?2 WHERE id = ?1 AND state = 'in flight'";
            let mut update = tx.prepare_cached(sql)?;
            for id in ids {
                update.execute((id, visible_at_ms))?;
            }
            Ok(())
        })
        .await
    }

    /// Moves a message in flight to the dead letters, with the last error as `reason`.
    ///
    /// # Errors
    /// [`MailboxError::WrongState`] when it is not in flight.
    pub async fn bury(&self, id: MessageId, reason: impl Into<String>) -> Result<(), MailboxError> {
        let reason = reason.into();
        self.run(Wake::Departures, move |tx, _| {
            if database::bury(tx, id, &reason, super::now_ms())? {
                Ok(())
            } else {
                Err(MailboxError::WrongState { id, wanted: "in flight" })
            }
        })
        .await
    }

    /// Tells up to where a stream was delivered to its destination; 0 before its first record.
    pub async fn position(&self, destination: &str) -> Result<i64, MailboxError> {
        let destination = destination.to_owned();
        self.run(Wake::Nobody, move |tx, _| Ok(database::position(tx, &destination)?)).await
    }

    /// Remembers that a stream was delivered up to a position.
    pub async fn advance(&self, destination: &str, position: i64) -> Result<(), MailboxError> {
        let destination = destination.to_owned();
        self.run(Wake::Departures, move |tx, _| Ok(database::advance(tx, &destination, position)?)).await
    }

    /// Moves a stream past an event that was given up, which becomes a dead letter.
    pub async fn advance_past(
        &self,
        event: NewMessage,
        position: i64,
        attempts: u32,
        reason: impl Into<String>,
    ) -> Result<(), MailboxError> {
        let reason = reason.into();
        self.run(Wake::Departures, move |tx, _| {
            database::bury_event(tx, &event, attempts, &reason, super::now_ms())?;
            Ok(database::advance(tx, &event.destination, position)?)
        })
        .await
    }

    /// Lists the dead letters of a destination, oldest first.
    pub async fn dead(&self, destination: &str) -> Result<Vec<DeadLetter>, MailboxError> {
        let destination = destination.to_owned();
        self.run(Wake::Nobody, move |tx, _| Ok(database::dead(tx, &destination)?)).await
    }

    /// Makes all dead letters of a destination ready, with fresh counts; returns how many.
    pub async fn redrive(&self, destination: &str) -> Result<usize, MailboxError> {
        let destination = destination.to_owned();
        self.run(Wake::Arrivals, move |tx, _| Ok(database::redrive(tx, &destination, super::now_ms())?)).await
    }

    /// Counts the messages that could be claimed now.
    pub async fn deliverable(&self, destination: &str, now_ms: i64) -> Result<u64, MailboxError> {
        let destination = destination.to_owned();
        self.run(Wake::Nobody, move |tx, _| Ok(database::deliverable(tx, &destination, now_ms)?)).await
    }

    /// Waits until none of the destinations has a message held, ready or in flight. Dead
    /// letters do not count.
    pub async fn idle(&self, destinations: &[&str]) -> Result<(), MailboxError> {
        let mut departures = self.inner.departures.subscribe();
        loop {
            departures.borrow_and_update();
            let names: Vec<String> = destinations.iter().map(|&name| name.to_owned()).collect();
            // One transaction for all: a message that passes from one to another while they
            // are counted one by one would be missed.
            let pending = self
                .run(Wake::Nobody, move |tx, _| {
                    names.iter().try_fold(0, |sum, name| Ok(sum + database::pending(tx, name)?))
                })
                .await?;
            if pending == 0 {
                return Ok(());
            }
            departures.changed().await.map_err(|_| MailboxError::Stopping)?;
        }
    }

    /// Tells when the earliest ready message of a destination becomes visible.
    pub(super) async fn next_visible_ms(&self, destination: &str) -> Result<Option<i64>, MailboxError> {
        let destination = destination.to_owned();
        self.run(Wake::Nobody, move |tx, _| Ok(database::next_visible_ms(tx, &destination)?)).await
    }

    /// Returns a signal that is marked whenever something may have become deliverable.
    pub(super) fn arrivals(&self) -> watch::Receiver<()> {
        self.inner.arrivals.subscribe()
    }

    /// Runs `work` in a transaction on a blocking thread; its error rolls back.
    async fn run<T, W>(&self, wake: Wake, work: W) -> Result<T, MailboxError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>, &mut Turns) -> Result<T, MailboxError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || inner.run(wake, work)).await {
            Ok(answer) => answer,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(MailboxError::Stopping),
            },
        }
    }
}

impl Inner {
    /// Runs `work` in a transaction; its error rolls back.
    fn run<T>(
        &self,
        wake: Wake,
        work: impl FnOnce(&Transaction<'_>, &mut Turns) -> Result<T, MailboxError>,
    ) -> Result<T, MailboxError> {
        // A panic in between has rolled its transaction back: the data is whole.
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = database.transaction(work)?;
        // In here and not in an async caller after its await: that one may be gone by then (a
        // client that hung up), but the message is stored and must be delivered.
        match wake {
            Wake::Nobody => {}
            Wake::Arrivals => self.arrivals.send_replace(()),
            Wake::Departures => self.departures.send_replace(()),
        }
        Ok(answer)
    }
}

fn held(message: NewMessage) -> impl FnOnce(&Transaction<'_>, &mut Turns) -> Result<MessageId, MailboxError> {
    move |tx, _| database::insert(tx, &message, "held", super::now_ms())
}

fn released(id: MessageId) -> impl FnOnce(&Transaction<'_>, &mut Turns) -> Result<(), MailboxError> {
    move |tx, _| {
        let sql = "UPDATE messages SET state = 'ready', visible_at = ?2 WHERE id = ?1 AND state = 'held'";
        match tx.prepare_cached(sql)?.execute((id, super::now_ms()))? {
            0 => Err(MailboxError::WrongState { id, wanted: "held" }),
            _ => Ok(()),
        }
    }
}

fn discarded(id: MessageId) -> impl FnOnce(&Transaction<'_>, &mut Turns) -> Result<(), MailboxError> {
    move |tx, _| {
        tx.prepare_cached("DELETE FROM messages WHERE id = ?1 AND state = 'held'")?.execute([id])?;
        Ok(())
    }
}
