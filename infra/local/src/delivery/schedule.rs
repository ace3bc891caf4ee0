//! What EventBridge does with a rule that has a rate: a message into a queue, again and again.

use std::time::Duration;

use tokio::sync::watch;

use super::mailbox::{Mailbox, MailboxError, NewMessage};
use super::{error_text, now_ms};

/// Is a message that comes again and again.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its queue.
    pub destination: String,
    /// What it says.
    pub body: String,
    /// Time between two of them.
    pub every: Duration,
}

/// Sends the message at once and then each time, until `shutdown` turns true (or its sender is gone).
pub(super) async fn repeat(mailbox: Mailbox, schedule: Schedule, mut shutdown: watch::Receiver<bool>) {
    let send = async {
        loop {
            if let Err(error) = send(&mailbox, &schedule).await {
                tracing::error!(
                    destination = schedule.destination,
                    error = error_text(&error),
                    "a message that was due was not sent"
                );
            }
            tokio::time::sleep(schedule.every).await;
        }
    };
    tokio::select! {
        _ = shutdown.wait_for(|&stop| stop) => {}
        () = send => {}
    }
}

/// Sends it, unless one waits already: whoever was away for a day finds one message and not thousands.
async fn send(mailbox: &Mailbox, schedule: &Schedule) -> Result<(), MailboxError> {
    if mailbox.deliverable(&schedule.destination, now_ms()).await? == 0 {
        mailbox.push_all(vec![NewMessage::new(&*schedule.destination, &*schedule.body)]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::mailbox;

    #[tokio::test]
    async fn what_is_due_again_while_it_waits_is_there_once() {
        let (_folder, mailbox) = mailbox();
        let every = Duration::from_millis(1);
        let schedule = Schedule { destination: "clock".to_owned(), body: "tick".to_owned(), every };
        let (stop, stopped) = watch::channel(false);
        let repeating = tokio::spawn(repeat(mailbox.clone(), schedule, stopped));
        for _ in 0..2 {
            let taken = loop {
                let taken = mailbox.claim("clock", 10, now_ms()).await.unwrap();
                if !taken.is_empty() {
                    break taken;
                }
                tokio::task::yield_now().await;
            };
            assert_eq!(taken.len(), 1);
            mailbox.ack(taken.iter().map(|message| message.id).collect()).await.unwrap();
        }
        stop.send_replace(true);
        repeating.await.unwrap();
    }
}
