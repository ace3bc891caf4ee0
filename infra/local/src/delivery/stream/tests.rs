use std::sync::atomic::{AtomicBool, Ordering};

use aws_lambda_events::event::dynamodb::Event;
use dynoxide::Database;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use crate::delivery::testing::{after_kill, handler, mailbox, route};
use crate::delivery::{Deliveries, Handler, Mailbox, Source};
use crate::engine::StreamLog;

const LANE: &str = "contacts-stream";
const TABLE: &str = "contacts";

/// A table with a stream, on the real engine.
struct Table {
    folder: TempDir,
    database: Database,
}

impl Table {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new(folder.path().join("tables").to_str().unwrap()).unwrap();
        let create = json!({
            "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "email", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "email", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        });
        database.create_table(serde_json::from_value(create).unwrap()).unwrap();
        Self { folder, database }
    }

    fn put(&self, email: &str, score: u32) {
        let item = json!({"email": {"S": email}, "score": {"N": score.to_string()}, "id": {"B": "AAEC"}});
        let put = json!({"TableName": TABLE, "Item": item});
        self.database.put_item(serde_json::from_value(put).unwrap()).unwrap();
    }

    fn delete(&self, email: &str) {
        let delete = json!({"TableName": TABLE, "Key": {"email": {"S": email}}});
        self.database.delete_item(serde_json::from_value(delete).unwrap()).unwrap();
    }

    fn log(&self) -> StreamLog {
        StreamLog::open(&self.folder.path().join("tables"), TABLE).unwrap()
    }

    fn deliver(&self, mailbox: &Mailbox, handler: Handler) -> (watch::Sender<bool>, Deliveries) {
        let (stop, shutdown) = watch::channel(false);
        let source = Source::Stream { log: self.log(), batch_size: 8 };
        (stop, Deliveries::start(mailbox.clone(), vec![route(LANE, source, handler)], shutdown))
    }
}

fn emails(event: &Value) -> Vec<String> {
    let records = event["Records"].as_array().unwrap();
    records.iter().map(|r| r["dynamodb"]["Keys"]["email"]["S"].as_str().unwrap().to_owned()).collect()
}

fn sequence(event: &Value, place: usize) -> Value {
    event["Records"][place]["dynamodb"]["SequenceNumber"].clone()
}

/// A handler that reports what it takes, and fails at every event with a `bad` record.
fn choosy(bad: &'static str) -> (Handler, mpsc::UnboundedReceiver<String>) {
    let (seen, taken) = mpsc::unbounded_channel();
    let handler = handler(move |event| {
        let emails = emails(&event);
        let fails = emails.iter().any(|email| email == bad);
        if !fails {
            emails.into_iter().for_each(|email| seen.send(email).unwrap());
        }
        async move { if fails { Err("cannot take it".into()) } else { Ok(Value::Null) } }
    });
    (handler, taken)
}

async fn receive(taken: &mut mpsc::UnboundedReceiver<String>, count: usize) -> Vec<String> {
    let mut received = Vec::new();
    while received.len() < count {
        received.push(taken.recv().await.unwrap());
    }
    received
}

#[tokio::test]
async fn changes_come_in_their_order_as_an_event_that_aws_lambda_events_reads() {
    let (_folder, mailbox) = mailbox();
    let table = Table::new();
    table.put("a@x.io", 1);
    table.put("a@x.io", 2);
    table.delete("a@x.io");
    let (seen, mut events) = mpsc::unbounded_channel();
    let handler = handler(move |event| {
        seen.send(event).unwrap();
        async { Ok(Value::Null) }
    });
    let (_stop, _deliveries) = table.deliver(&mailbox, handler);
    let event: Event = serde_json::from_value(events.recv().await.unwrap()).unwrap();
    let names: Vec<_> = event.records.iter().map(|record| record.event_name.as_str()).collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    let change = &event.records[1].change;
    assert_eq!(serde_json::to_value(&change.keys).unwrap(), json!({"email": {"S": "a@x.io"}}));
    assert_eq!(serde_json::to_value(&change.old_image).unwrap()["score"], json!({"N": "1"}));
    assert_eq!(serde_json::to_value(&change.new_image).unwrap()["score"], json!({"N": "2"}));
    assert_eq!(serde_json::to_value(&change.new_image).unwrap()["id"], json!({"B": "AAEC"}));
    assert!(event.records[2].change.new_image.is_empty());
}

#[tokio::test]
async fn what_came_before_the_first_failed_record_does_not_come_again_and_the_rest_does_in_order() {
    let (_folder, mailbox) = mailbox();
    let table = Table::new();
    ["a", "b", "c", "d"].iter().for_each(|email| table.put(email, 1));
    let failed = AtomicBool::new(false);
    let (seen, mut events) = mpsc::unbounded_channel();
    let handler = handler(move |event| {
        let first = !failed.swap(true, Ordering::SeqCst);
        let answer = if first {
            // Out of order, as a handler that works side by side may report.
            json!({"batchItemFailures": [{"itemIdentifier": sequence(&event, 3)}, {"itemIdentifier": sequence(&event, 1)}]})
        } else {
            Value::Null
        };
        seen.send(emails(&event)).unwrap();
        async move { Ok(answer) }
    });
    let (_stop, _deliveries) = table.deliver(&mailbox, handler);
    assert_eq!(events.recv().await.unwrap(), ["a", "b", "c", "d"]);
    assert_eq!(events.recv().await.unwrap(), ["b", "c", "d"]);
}

#[tokio::test]
async fn a_record_that_always_fails_is_buried_alone_and_holds_up_nobody() {
    let (_folder, mailbox) = mailbox();
    let table = Table::new();
    ["a", "b", "poison", "c", "d", "e"].iter().for_each(|email| table.put(email, 1));
    let (handler, mut taken) = choosy("poison");
    let (_stop, _deliveries) = table.deliver(&mailbox, handler);
    assert_eq!(receive(&mut taken, 5).await, ["a", "b", "c", "d", "e"]);
    let dead = mailbox.dead(LANE).await.unwrap();
    assert_eq!(dead.len(), 1);
    let event: Value = serde_json::from_str(&dead[0].body).unwrap();
    assert_eq!(emails(&event), ["poison"]);
    assert_eq!(event["Records"][0]["dynamodb"]["NewImage"]["score"]["N"], "1");
    assert_eq!(dead[0].reason, "cannot take it");
}

#[tokio::test]
async fn a_buried_record_comes_once_more_with_a_redrive() {
    let (_folder, mailbox) = mailbox();
    let table = Table::new();
    ["poison", "a"].iter().for_each(|email| table.put(email, 1));
    let (handler, mut taken) = choosy("poison");
    let (stop, deliveries) = table.deliver(&mailbox, handler);
    assert_eq!(receive(&mut taken, 1).await, ["a"]);
    stop.send_replace(true);
    deliveries.stopped().await;

    let (mended, mut taken) = choosy("nothing");
    let (_stop, _deliveries) = table.deliver(&mailbox, mended);
    assert_eq!(mailbox.redrive(LANE).await.unwrap(), 1);
    assert_eq!(receive(&mut taken, 1).await, ["poison"]);
    mailbox.idle(&[LANE]).await.unwrap();
    assert!(mailbox.dead(LANE).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_killed_process_goes_on_where_the_last_finished_batch_ended() {
    let (folder, first) = mailbox();
    let table = Table::new();
    table.put("before", 1);
    let (handler, mut taken) = choosy("in flight");
    let (stop, deliveries) = table.deliver(&first, handler);
    assert_eq!(receive(&mut taken, 1).await, ["before"]);
    while first.position(LANE).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    table.put("in flight", 1);
    let (_copy, second) = after_kill(&folder);
    stop.send_replace(true);
    deliveries.stopped().await;

    table.put("after", 1);
    let (handler, mut taken) = choosy("nothing");
    let (_stop, _deliveries) = table.deliver(&second, handler);
    assert_eq!(receive(&mut taken, 2).await, ["in flight", "after"]);
}

#[tokio::test]
async fn changes_that_come_later_are_seen_without_being_asked_for() {
    let (_folder, mailbox) = mailbox();
    let table = Table::new();
    let (handler, mut taken) = choosy("nothing");
    let (_stop, _deliveries) = table.deliver(&mailbox, handler);
    // More than one batch.
    let emails: Vec<String> = (0..20).map(|n| format!("{n:02}@x.io")).collect();
    emails.iter().for_each(|email| table.put(email, 1));
    assert_eq!(receive(&mut taken, 20).await, emails);
}
