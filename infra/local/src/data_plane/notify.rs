//! Joins the object store with the mailbox: what S3 notifications do on AWS.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::delivery::{Mailbox, MessageId};
use crate::objects::{BoxError, Notify, ObjectCreated, Ticket};

/// Puts notifications into the mailbox, for one destination.
pub(super) struct ToMailbox {
    mailbox: Mailbox,
    destination: &'static str,
    held: Mutex<Held>,
}

/// Knows the messages of the tickets that are out. In memory only: what a crash leaves held
/// the mailbox itself releases.
#[derive(Default)]
struct Held {
    last: i64,
    messages: HashMap<Ticket, MessageId>,
}

impl ToMailbox {
    pub(super) fn new(mailbox: Mailbox, destination: &'static str) -> Self {
        Self { mailbox, destination, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, ticket: Ticket) -> Result<MessageId, BoxError> {
        self.held().messages.remove(&ticket).ok_or_else(|| "the notification was not announced".into())
    }
}

impl Notify for ToMailbox {
    fn announce(&self, created: &ObjectCreated) -> Result<Ticket, BoxError> {
        let message = self.mailbox.hold_blocking(self.destination, created.to_event().to_string())?;
        let mut held = self.held();
        held.last += 1;
        let ticket = Ticket(held.last);
        held.messages.insert(ticket, message);
        Ok(ticket)
    }

    fn confirm(&self, ticket: Ticket) -> Result<(), BoxError> {
        Ok(self.mailbox.release_blocking(self.take(ticket)?)?)
    }

    fn withdraw(&self, ticket: Ticket) -> Result<(), BoxError> {
        Ok(self.mailbox.discard_blocking(self.take(ticket)?)?)
    }
}
