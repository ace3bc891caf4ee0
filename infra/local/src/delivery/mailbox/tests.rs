use super::*;
use crate::delivery::now_ms;
use crate::delivery::testing::{after_kill, grouped, mailbox};

const QUEUE: &str = "import-ranges";

async fn claim_bodies(mailbox: &Mailbox, max: usize) -> Vec<String> {
    let claimed = mailbox.claim(QUEUE, max, now_ms()).await.unwrap();
    claimed.into_iter().map(|message| message.body).collect()
}

async fn claim_one(mailbox: &Mailbox) -> Message {
    mailbox.claim(QUEUE, 1, now_ms()).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_held_message_is_delivered_only_after_its_release() {
    let (_folder, mailbox) = mailbox();
    let id = mailbox.hold(QUEUE, "object").await.unwrap();
    assert!(claim_bodies(&mailbox, 10).await.is_empty());
    mailbox.release(id).await.unwrap();
    assert_eq!(claim_bodies(&mailbox, 10).await, ["object"]);
    let again = mailbox.release(id).await;
    assert!(matches!(again, Err(MailboxError::WrongState { .. })));
}

#[tokio::test]
async fn a_discarded_message_is_forgotten() {
    let (folder, mailbox) = mailbox();
    let id = mailbox.hold(QUEUE, "object").await.unwrap();
    mailbox.discard(id).await.unwrap();
    mailbox.discard(id).await.unwrap();
    mailbox.idle(&[QUEUE]).await.unwrap();
    let (_copy, mailbox) = after_kill(&folder);
    assert!(claim_bodies(&mailbox, 10).await.is_empty());
}

#[tokio::test]
async fn messages_are_claimed_once_in_their_order_and_by_destination() {
    let (_folder, mailbox) = mailbox();
    let messages = ["1", "2", "3"].map(|body| NewMessage::new(QUEUE, body));
    let ids = mailbox.push_all(messages.into()).await.unwrap();
    mailbox.push_all(vec![NewMessage::new("other", "4")]).await.unwrap();
    let first = mailbox.claim(QUEUE, 2, now_ms()).await.unwrap();
    assert_eq!(first.iter().map(|message| message.id).collect::<Vec<_>>(), ids[..2]);
    assert_eq!(claim_bodies(&mailbox, 10).await, ["3"]);
    assert!(claim_bodies(&mailbox, 10).await.is_empty());
}

#[tokio::test]
async fn after_a_crash_what_was_held_ready_or_in_flight_is_delivered_and_what_was_acknowledged_is_not() {
    let (folder, mailbox) = mailbox();
    mailbox.push_all(vec![grouped(QUEUE, "tenant", "done")]).await.unwrap();
    let done = claim_one(&mailbox).await;
    mailbox.ack(vec![done.id]).await.unwrap();
    mailbox.push_all(vec![grouped(QUEUE, "tenant", "in flight")]).await.unwrap();
    let in_flight = claim_one(&mailbox).await;
    mailbox.hold(QUEUE, "held").await.unwrap();
    mailbox.push_all(vec![NewMessage::new(QUEUE, "ready")]).await.unwrap();

    let (_copy, mailbox) = after_kill(&folder);
    let claimed = mailbox.claim(QUEUE, 10, now_ms()).await.unwrap();
    let mut bodies: Vec<_> = claimed.iter().map(|message| message.body.as_str()).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["held", "in flight", "ready"]);
    let again = claimed.iter().find(|message| message.id == in_flight.id).unwrap();
    assert_eq!((again.receives, again.attempts()), (2, 1), "told as a redelivery, not held against it");
    assert_eq!(again.group.as_deref(), Some("tenant"));
    assert_eq!(again.first_received_at_ms, in_flight.first_received_at_ms);
}

#[tokio::test]
async fn a_file_that_is_open_elsewhere_is_refused() {
    let (folder, mailbox) = mailbox();
    mailbox.hold(QUEUE, "object").await.unwrap();
    let second = Mailbox::open(folder.path().join("mailbox.sqlite"));
    assert!(matches!(second, Err(MailboxError::Open(_))));
    drop(mailbox);
    assert!(Mailbox::open(folder.path().join("mailbox.sqlite")).is_ok());
}

#[tokio::test]
async fn a_retried_message_waits_for_its_time() {
    let (_folder, mailbox) = mailbox();
    mailbox.push_all(vec![NewMessage::new(QUEUE, "again")]).await.unwrap();
    let message = claim_one(&mailbox).await;
    let due_ms = now_ms() + 60_000;
    mailbox.retry(vec![message.id], due_ms).await.unwrap();
    assert!(mailbox.claim(QUEUE, 1, due_ms - 1).await.unwrap().is_empty());
    assert_eq!(mailbox.deliverable(QUEUE, due_ms - 1).await.unwrap(), 0);
    assert_eq!(mailbox.next_visible_ms(QUEUE).await.unwrap(), Some(due_ms));
    let again = mailbox.claim(QUEUE, 1, due_ms).await.unwrap().remove(0);
    assert_eq!((again.id, again.receives), (message.id, 2));
}

#[tokio::test]
async fn a_dead_letter_keeps_everything_and_returns_with_fresh_counts() {
    let (folder, mailbox) = mailbox();
    mailbox.push_all(vec![grouped(QUEUE, "tenant", "poison")]).await.unwrap();
    let message = claim_one(&mailbox).await;
    mailbox.bury(message.id, "it does not parse").await.unwrap();
    let again = mailbox.bury(message.id, "twice").await;
    assert!(matches!(again, Err(MailboxError::WrongState { .. })));
    mailbox.idle(&[QUEUE]).await.unwrap();

    let (_copy, mailbox) = after_kill(&folder);
    assert!(mailbox.dead("other").await.unwrap().is_empty());
    let dead = mailbox.dead(QUEUE).await.unwrap().remove(0);
    assert_eq!((dead.id, dead.receives, dead.sent_at_ms), (message.id, 1, message.sent_at_ms));
    assert_eq!((dead.body.as_str(), dead.reason.as_str()), ("poison", "it does not parse"));
    assert_eq!(dead.group.as_deref(), Some("tenant"));

    assert_eq!(mailbox.redrive(QUEUE).await.unwrap(), 1);
    assert_eq!(mailbox.redrive(QUEUE).await.unwrap(), 0);
    let again = claim_one(&mailbox).await;
    assert_eq!((again.id, again.receives, again.body.as_str()), (message.id, 1, "poison"));
}

#[tokio::test]
async fn the_group_with_the_fewest_in_flight_goes_first() {
    let (_folder, mailbox) = mailbox();
    let many = (0..1_000).map(|n| grouped(QUEUE, "large", &format!("large {n}")));
    mailbox.push_all(many.collect()).await.unwrap();
    assert_eq!(claim_bodies(&mailbox, 2).await, ["large 0", "large 1"]);
    let few = ["small 0", "small 1"].map(|body| grouped(QUEUE, "small", body));
    mailbox.push_all(few.into()).await.unwrap();
    assert_eq!(claim_bodies(&mailbox, 3).await, ["small 0", "small 1", "large 2"]);
}

#[tokio::test]
async fn groups_take_turns_also_when_one_message_is_claimed_at_a_time() {
    let (_folder, mailbox) = mailbox();
    let messages = [("a", "a0"), ("a", "a1"), ("a", "a2"), ("b", "b0"), ("b", "b1")];
    mailbox.push_all(messages.map(|(group, body)| grouped(QUEUE, group, body)).into()).await.unwrap();
    mailbox.push_all(vec![NewMessage::new(QUEUE, "none")]).await.unwrap();
    let mut order = Vec::new();
    for _ in 0..6 {
        let message = claim_one(&mailbox).await;
        mailbox.ack(vec![message.id]).await.unwrap();
        order.push(message.body);
    }
    assert_eq!(order, ["a0", "b0", "none", "a1", "b1", "a2"]);
}

#[tokio::test]
async fn a_batch_is_stored_whole_or_not_at_all() {
    let (_folder, mailbox) = mailbox();
    let failure = mailbox
        .run(Wake::Nobody, |tx, _| {
            database::insert(tx, &NewMessage::new(QUEUE, "first"), "ready", 0)?;
            database::insert(tx, &NewMessage::new(QUEUE, "second"), "no such state", 0)
        })
        .await;
    assert!(matches!(failure, Err(MailboxError::Storage(_))));
    assert!(claim_bodies(&mailbox, 10).await.is_empty());
}

#[tokio::test]
async fn idle_waits_for_held_ready_and_in_flight_messages() {
    let (_folder, mailbox) = mailbox();
    let held = mailbox.hold("notifications", "object").await.unwrap();
    mailbox.push_all(vec![NewMessage::new(QUEUE, "range")]).await.unwrap();
    let waiter = tokio::spawn({
        let mailbox = mailbox.clone();
        async move { mailbox.idle(&["notifications", QUEUE]).await }
    });
    mailbox.discard(held).await.unwrap();
    let message = claim_one(&mailbox).await;
    assert!(!waiter.is_finished());
    mailbox.ack(vec![message.id]).await.unwrap();
    waiter.await.unwrap().unwrap();
}
