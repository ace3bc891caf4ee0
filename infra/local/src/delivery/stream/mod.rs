//! A stream's deliveries: what DynamoDB's event source mapping does on AWS, as one lane.
//!
//! Records go to the handler in their order, a batch at a time. Where a handler stops is known
//! from its answer, and everything before is not delivered again. A batch that fails as a whole
//! is halved, until the record that cannot be handled stands alone; after its last attempt that
//! one is buried with its event, and the lane goes on. The position is stored after each batch,
//! so that after `kill -9` the last batch comes again.

mod event;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::error_text;
use super::mailbox::{Mailbox, NewMessage};
use super::route::{BoxError, Route};
use super::worker::{call, until_stored};
use crate::engine::{StreamLog, StreamRecord};

/// Between two looks at a log that had nothing new: searches see a change this much later.
const POLL: Duration = Duration::from_millis(50);

/// Wait before the log or the mailbox is tried again after it failed.
const STORAGE_PAUSE: Duration = Duration::from_secs(1);

/// Delivers a stream until `shutdown` turns true (or its sender is gone).
pub(super) async fn follow(
    mailbox: Mailbox,
    route: Arc<Route>,
    log: StreamLog,
    batch_size: usize,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut lane = Lane { mailbox, route, log, batch_size, size: batch_size, attempts: 0 };
    let deliver = async {
        loop {
            let pause = lane.step().await.unwrap_or_else(|error| {
                let (destination, error) = (&lane.route.destination, error_text(error.as_ref()));
                tracing::error!(destination, error, "reading the stream failed");
                STORAGE_PAUSE
            });
            tokio::time::sleep(pause).await;
        }
    };
    tokio::select! {
        // Also when the sender is gone. What is under way comes again at the next start.
        _ = shutdown.wait_for(|&stop| stop) => {}
        () = deliver => {}
    }
}

struct Lane {
    mailbox: Mailbox,
    route: Arc<Route>,
    log: StreamLog,
    batch_size: usize,
    /// Most records of the next batch: fewer than `batch_size` after a failure.
    size: usize,
    /// Failures since a record was last delivered.
    attempts: u32,
}

impl Lane {
    /// Delivers the next batch and tells how long to wait before the one after it.
    async fn step(&mut self) -> Result<Duration, BoxError> {
        let batch = self.next_batch().await?;
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else { return Ok(POLL) };
        let event = event::event(self.log.table(), &batch)?;
        let answer = match call(&self.route, event).await {
            Ok(answer) => event::delivered(answer, &batch),
            Err(error) => Err(error),
        };
        let delivered = *answer.as_ref().unwrap_or(&0);
        if let Some(last) = delivered.checked_sub(1).and_then(|last| batch.get(last)) {
            self.advance(last.position).await;
            self.attempts = 0;
        }
        if delivered == batch.len() {
            self.size = self.size.saturating_mul(2).min(self.batch_size);
            return Ok(Duration::ZERO);
        }
        let error = match answer {
            Ok(_) => "the handler reported it among the batch item failures".to_owned(),
            Err(error) => error_text(error.as_ref()),
        };
        self.attempts += 1;
        if delivered == 0 {
            self.size = (batch.len() / 2).max(1);
        }
        if batch.len() == 1 && self.attempts >= self.route.max_receives {
            let event = event::event(self.log.table(), &batch)?;
            self.bury(event.get().to_owned(), last.position, &error).await;
            return Ok(Duration::ZERO);
        }
        let wait = self.route.backoff.delay(self.attempts, getrandom::u32().unwrap_or_default());
        let (destination, attempts, wait_ms) = (&self.route.destination, self.attempts, wait.as_millis());
        let (records, from) = (batch.len(), first.position);
        tracing::warn!(destination, attempts, wait_ms, records, delivered, from, error, "delivery failed");
        Ok(wait)
    }

    async fn next_batch(&self) -> Result<Vec<StreamRecord>, BoxError> {
        let position = self.mailbox.position(&self.route.destination).await?;
        let (log, size) = (self.log.clone(), self.size);
        Ok(tokio::task::spawn_blocking(move || log.after(position, size)).await??)
    }

    async fn advance(&self, position: i64) {
        until_stored(&self.route, || self.mailbox.advance(&self.route.destination, position)).await;
    }

    async fn bury(&mut self, event: String, position: i64, error: &str) {
        let Route { destination, .. } = &*self.route;
        let attempts = self.attempts;
        let bury = || {
            let event = NewMessage::new(destination.clone(), event.clone());
            self.mailbox.advance_past(event, position, attempts, error)
        };
        until_stored(&self.route, bury).await;
        tracing::error!(destination, position, attempts, error, "gave up a record");
        (self.size, self.attempts) = (self.batch_size, 0);
    }
}
