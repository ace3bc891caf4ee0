//! The workers: they claim messages, invoke handlers and settle what came of it.

mod invocation;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::error_text;
use super::mailbox::{Mailbox, MailboxError, Message};
use super::now_ms;
use super::route::{Route, Source};
use super::schedule::{self, Schedule};
use super::stream;
pub(super) use invocation::call;

/// Time for handlers to end after the signal to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Wait before the file is tried again after it failed (a full disk, say).
const STORAGE_PAUSE: Duration = Duration::from_secs(1);

/// The running workers, one a route, and the lanes of the streams. Dropping it stops them at once, as a crash would.
pub struct Deliveries {
    workers: JoinSet<()>,
}

impl Deliveries {
    /// Starts to deliver each route's messages until `shutdown` turns true (or its sender
    /// is gone). Then nothing more is claimed, running handlers get a few seconds, and what
    /// they leave unfinished is delivered again when the mailbox is next opened.
    pub fn start(mailbox: Mailbox, routes: Vec<Route>, shutdown: watch::Receiver<bool>) -> Deliveries {
        let mut workers = JoinSet::new();
        for route in routes.into_iter().map(Arc::new) {
            if let Source::Stream { log, batch_size } = &route.source {
                let (mailbox, log, shutdown) = (mailbox.clone(), log.clone(), shutdown.clone());
                workers.spawn(stream::follow(mailbox, Arc::clone(&route), log, *batch_size, shutdown));
            }
            workers.spawn(work(mailbox.clone(), route, shutdown.clone()));
        }
        Deliveries { workers }
    }

    /// Starts to send a message each time it is due, until `shutdown` turns true.
    pub fn repeat(&mut self, mailbox: Mailbox, schedule: Schedule, shutdown: watch::Receiver<bool>) {
        self.workers.spawn(schedule::repeat(mailbox, schedule, shutdown));
    }

    /// Waits until all workers have ended, which they do only after the shutdown signal.
    pub async fn stopped(mut self) {
        while self.workers.join_next().await.is_some() {}
    }
}

async fn work(mailbox: Mailbox, route: Arc<Route>, mut shutdown: watch::Receiver<bool>) {
    let mut arrivals = mailbox.arrivals();
    let mut running = JoinSet::new();
    while !*shutdown.borrow() {
        // Before the claim: what arrives during it must be seen after it.
        arrivals.borrow_and_update();
        // Not inside the select: a claim that is dropped half way still claims.
        let pause = match claim(&mailbox, &route, &mut running).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(
                    destination = route.destination,
                    error = error_text(&error),
                    "claiming failed"
                );
                Some(STORAGE_PAUSE)
            }
        };
        let has_room = running.len() < route.concurrency;
        tokio::select! {
            // Also when the sender is gone.
            _ = shutdown.wait_for(|&stop| stop) => break,
            Some(_) = running.join_next() => {}
            Ok(()) = arrivals.changed(), if has_room => {}
            () = tokio::time::sleep(pause.unwrap_or_default()), if has_room && pause.is_some() => {}
        }
    }
    finish(&route, running).await;
}

/// Claims and starts as much as there is room for. Returns when to look again, if messages
/// are waiting for their time.
async fn claim(
    mailbox: &Mailbox,
    route: &Arc<Route>,
    running: &mut JoinSet<()>,
) -> Result<Option<Duration>, MailboxError> {
    let batch_size = match route.source {
        Source::Notification | Source::Stream { .. } => 1,
        Source::Queue { batch_size } => batch_size.max(1),
    };
    while running.len() < route.concurrency {
        let batch = mailbox.claim(&route.destination, batch_size, now_ms()).await?;
        if batch.is_empty() {
            let due_ms = mailbox.next_visible_ms(&route.destination).await?;
            return Ok(due_ms.map(|due_ms| {
                Duration::from_millis(u64::try_from(due_ms.saturating_sub(now_ms())).unwrap_or_default())
            }));
        }
        running.spawn(deliver(mailbox.clone(), Arc::clone(route), batch));
    }
    Ok(None)
}

async fn finish(route: &Route, mut running: JoinSet<()>) {
    let drained = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, drained).await.is_err() {
        tracing::warn!(
            destination = route.destination,
            unfinished = running.len(),
            "stopped with unfinished deliveries; they are repeated at the next start"
        );
    }
}

async fn deliver(mailbox: Mailbox, route: Arc<Route>, batch: Vec<Message>) {
    let outcome = invocation::invoke(&route, &batch).await;
    let mut done = Vec::new();
    for message in &batch {
        match outcome.error(message) {
            None => done.push(message.id),
            Some(error) => until_stored(&route, || settle_failed(&mailbox, &route, message, error)).await,
        }
    }
    if !done.is_empty() {
        until_stored(&route, || mailbox.ack(done.clone())).await;
    }
}

/// Goes on trying: messages left in flight would wait for the next start.
pub(super) async fn until_stored<F>(route: &Route, store: impl Fn() -> F)
where
    F: Future<Output = Result<(), MailboxError>>,
{
    while let Err(error) = store().await {
        tracing::error!(destination = route.destination, error = error_text(&error), "settling failed");
        match error {
            // Trying again would not change that.
            MailboxError::WrongState { .. } | MailboxError::Stopping => return,
            MailboxError::Open(_) | MailboxError::Storage(_) => tokio::time::sleep(STORAGE_PAUSE).await,
        }
    }
}

/// Returns a message for another attempt, or buries it after the last.
async fn settle_failed(
    mailbox: &Mailbox,
    route: &Route,
    message: &Message,
    error: &str,
) -> Result<(), MailboxError> {
    let (destination, receives) = (&route.destination, message.receives);
    if message.attempts() >= route.max_receives {
        mailbox.bury(message.id, error).await?;
        tracing::error!(destination, message.id = %message.id, receives, error, "gave up a message");
    } else {
        // No randomness means no jitter, and nothing worse.
        let wait = route.backoff.delay(message.attempts(), getrandom::u32().unwrap_or_default());
        let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        mailbox.retry(vec![message.id], now_ms().saturating_add(wait_ms)).await?;
        tracing::warn!(destination, message.id = %message.id, receives, wait_ms, error, "delivery failed");
    }
    Ok(())
}
