use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use serde_json::{Value, json};
use tokio::sync::{Barrier, mpsc};

use super::*;
use crate::delivery::testing::{after_kill, grouped, handler, mailbox, route};
use crate::delivery::{Handler, NewMessage};

const NOTIFICATIONS: &str = "import-notifications";
const QUEUE: &str = "import-ranges";

fn queue(batch_size: usize) -> Source {
    Source::Queue { batch_size }
}

fn start(mailbox: &Mailbox, routes: Vec<Route>) -> (watch::Sender<bool>, Deliveries) {
    let (stop, shutdown) = watch::channel(false);
    (stop, Deliveries::start(mailbox.clone(), routes, shutdown))
}

fn messages<const N: usize>(bodies: [&str; N]) -> Vec<NewMessage> {
    bodies.map(|body| NewMessage::new(QUEUE, body)).into()
}

/// A handler that hands each event out and answers null.
fn reporting() -> (Handler, mpsc::UnboundedReceiver<Value>) {
    let (seen, events) = mpsc::unbounded_channel();
    let handler = handler(move |event| {
        seen.send(event).unwrap();
        async { Ok(Value::Null) }
    });
    (handler, events)
}

#[tokio::test]
async fn a_notification_is_delivered_as_its_body_as_soon_as_it_is_released() {
    let (_folder, mailbox) = mailbox();
    let (handler, mut events) = reporting();
    let (_stop, _deliveries) = start(&mailbox, vec![route(NOTIFICATIONS, Source::Notification, handler)]);
    let body = json!({"Records": [{"eventName": "ObjectCreated:Put"}]});
    let id = mailbox.hold(NOTIFICATIONS, body.to_string()).await.unwrap();
    mailbox.release(id).await.unwrap();
    assert_eq!(events.recv().await.unwrap(), body);
    mailbox.idle(&[NOTIFICATIONS]).await.unwrap();
}

#[tokio::test]
async fn a_failed_notification_is_repeated_and_then_buried() {
    let (_folder, mailbox) = mailbox();
    let count = Arc::new(AtomicUsize::new(0));
    let handler = handler({
        let count = Arc::clone(&count);
        move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            async { Err(std::io::Error::other("no such job").into()) }
        }
    });
    let (_stop, _deliveries) = start(&mailbox, vec![route(NOTIFICATIONS, Source::Notification, handler)]);
    mailbox.push_all(vec![NewMessage::new(NOTIFICATIONS, "{}")]).await.unwrap();
    mailbox.idle(&[NOTIFICATIONS]).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 3);
    let dead = mailbox.dead(NOTIFICATIONS).await.unwrap().remove(0);
    assert_eq!((dead.receives, dead.reason.as_str()), (3, "no such job"));
}

#[tokio::test]
async fn only_the_reported_messages_of_a_batch_are_delivered_again() {
    let (_folder, mailbox) = mailbox();
    let counts = Arc::new(Mutex::new(HashMap::<String, usize>::new()));
    let handler = handler({
        let counts = Arc::clone(&counts);
        move |event| {
            let event: SqsEvent = serde_json::from_value(event).unwrap();
            let mut answer = SqsBatchResponse::default();
            for record in event.records {
                let body = record.body.unwrap();
                if body == "bad" && record.attributes["ApproximateReceiveCount"] == "1" {
                    answer.add_failure(record.message_id.unwrap());
                }
                *counts.lock().unwrap().entry(body).or_default() += 1;
            }
            async move { Ok(serde_json::to_value(answer)?) }
        }
    });
    mailbox.push_all(messages(["good", "bad", "fine"])).await.unwrap();
    let (_stop, _deliveries) = start(&mailbox, vec![route(QUEUE, queue(10), handler)]);
    mailbox.idle(&[QUEUE]).await.unwrap();
    assert!(mailbox.dead(QUEUE).await.unwrap().is_empty());
    let counts = counts.lock().unwrap();
    assert_eq!((counts["good"], counts["bad"], counts["fine"]), (1, 2, 1));
}

#[tokio::test]
async fn a_panic_is_a_failure_like_any_other() {
    let (_folder, mailbox) = mailbox();
    let panicked = Arc::new(AtomicBool::new(false));
    let handler = handler(move |_| {
        let first = !panicked.swap(true, Ordering::SeqCst);
        async move { if first { panic!("a bug") } else { Ok(Value::Null) } }
    });
    let (_stop, _deliveries) = start(&mailbox, vec![route(QUEUE, queue(10), handler)]);
    mailbox.push_all(messages(["range"])).await.unwrap();
    mailbox.idle(&[QUEUE]).await.unwrap();
    assert!(mailbox.dead(QUEUE).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_message_that_always_fails_is_buried_and_comes_back_with_a_redrive() {
    let (_folder, mailbox) = mailbox();
    let mended = Arc::new(AtomicBool::new(false));
    let handler = handler({
        let mended = Arc::clone(&mended);
        move |_| {
            assert!(mended.load(Ordering::SeqCst), "not mended yet");
            async { Ok(Value::Null) }
        }
    });
    let (_stop, _deliveries) = start(&mailbox, vec![route(QUEUE, queue(10), handler)]);
    mailbox.push_all(messages(["range"])).await.unwrap();
    mailbox.idle(&[QUEUE]).await.unwrap();
    let dead = mailbox.dead(QUEUE).await.unwrap().remove(0);
    assert_eq!((dead.receives, dead.reason.as_str()), (3, "the handler panicked: not mended yet"));

    mended.store(true, Ordering::SeqCst);
    assert_eq!(mailbox.redrive(QUEUE).await.unwrap(), 1);
    mailbox.idle(&[QUEUE]).await.unwrap();
    assert!(mailbox.dead(QUEUE).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_handler_that_hangs_is_aborted_and_counts_as_failed() {
    let (_folder, mailbox) = mailbox();
    let route = Route {
        max_receives: 1,
        timeout: Duration::from_millis(1),
        ..route(QUEUE, queue(1), handler(|_| std::future::pending()))
    };
    let (_stop, _deliveries) = start(&mailbox, vec![route]);
    mailbox.push_all(messages(["range"])).await.unwrap();
    mailbox.idle(&[QUEUE]).await.unwrap();
    assert_eq!(mailbox.dead(QUEUE).await.unwrap()[0].reason, "the handler timed out after 1ms");
}

#[tokio::test]
async fn a_message_whose_handler_the_process_did_not_outlive_is_delivered_again() {
    let (folder, mailbox) = mailbox();
    let (started, mut starts) = mpsc::unbounded_channel();
    let hanging = handler(move |_| {
        started.send(()).unwrap();
        std::future::pending()
    });
    let (_stop, _deliveries) = start(&mailbox, vec![route(QUEUE, queue(10), hanging)]);
    mailbox.push_all(messages(["range"])).await.unwrap();
    starts.recv().await.unwrap();

    let (_copy, mailbox) = after_kill(&folder);
    let (handler, mut events) = reporting();
    let (_stop, _deliveries) = start(&mailbox, vec![route(QUEUE, queue(10), handler)]);
    let event: SqsEvent = serde_json::from_value(events.recv().await.unwrap()).unwrap();
    assert_eq!(event.records[0].body.as_deref(), Some("range"));
    assert_eq!(event.records[0].attributes["ApproximateReceiveCount"], "2");
    mailbox.idle(&[QUEUE]).await.unwrap();
}

#[tokio::test]
async fn at_shutdown_a_running_handler_ends_and_nothing_more_is_claimed() {
    let (_folder, mailbox) = mailbox();
    let (started, mut starts) = mpsc::unbounded_channel();
    let go_on = Arc::new(tokio::sync::Notify::new());
    let handler = handler({
        let go_on = Arc::clone(&go_on);
        move |_| {
            started.send(()).unwrap();
            let go_on = Arc::clone(&go_on);
            async move {
                go_on.notified().await;
                Ok(Value::Null)
            }
        }
    });
    let (stop, deliveries) = start(&mailbox, vec![route(QUEUE, queue(1), handler)]);
    mailbox.push_all(messages(["first", "second"])).await.unwrap();
    starts.recv().await.unwrap();
    stop.send(true).unwrap();
    go_on.notify_one();
    deliveries.stopped().await;
    let left = mailbox.claim(QUEUE, 10, now_ms()).await.unwrap();
    assert_eq!(left.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["second"]);
    assert_eq!(left[0].receives, 1);
}

#[tokio::test]
async fn one_tenants_many_messages_do_not_hold_up_anothers_one() {
    let (_folder, mailbox) = mailbox();
    let (handler, mut events) = reporting();
    let many = (0..50).map(|_| grouped(QUEUE, "large", "range"));
    mailbox.push_all(many.chain([grouped(QUEUE, "small", "range")]).collect()).await.unwrap();
    let (_stop, _deliveries) = start(&mailbox, vec![route(QUEUE, queue(1), handler)]);
    mailbox.idle(&[QUEUE]).await.unwrap();
    let mut order = Vec::new();
    while let Ok(event) = events.try_recv() {
        let event: SqsEvent = serde_json::from_value(event).unwrap();
        order.push(event.records[0].attributes["MessageGroupId"].clone());
    }
    assert_eq!(order.len(), 51);
    assert_eq!(order[1], "small");
}

#[tokio::test]
async fn as_many_handlers_run_at_once_as_the_route_allows() {
    let (_folder, mailbox) = mailbox();
    let meeting = Arc::new(Barrier::new(2));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let handler = handler({
        let most = Arc::clone(&most);
        move |_| {
            let (meeting, running, most) = (Arc::clone(&meeting), Arc::clone(&running), Arc::clone(&most));
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                meeting.wait().await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(Value::Null)
            }
        }
    });
    mailbox.push_all(messages(["1", "2", "3", "4"])).await.unwrap();
    let two = Route { concurrency: 2, ..route(QUEUE, queue(1), handler) };
    let (_stop, _deliveries) = start(&mailbox, vec![two]);
    mailbox.idle(&[QUEUE]).await.unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 2);
}
