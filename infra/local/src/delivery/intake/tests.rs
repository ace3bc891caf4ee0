use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tower::ServiceExt;

use super::*;
use crate::delivery::testing::{handler, mailbox, route};
use crate::delivery::{Deliveries, Source};

const QUEUE: &str = "import-ranges";
const EVENTS: &str = "engagement-events";

struct Bench {
    _folder: TempDir,
    mailbox: Mailbox,
    client: Client,
    address: String,
}

/// Serves the intake on loopback and makes the real client for it.
async fn bench() -> Bench {
    let (folder, mailbox) = mailbox();
    let router = router(mailbox.clone(), [QUEUE, EVENTS], ("leads.engagement", EVENTS), BusLog::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let router = router.clone();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(|request| router.clone().oneshot(request));
                auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
            });
        }
    });
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(credentials())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Bench { _folder: folder, mailbox, client: Client::from_conf(config), address }
}

fn credentials() -> Credentials {
    Credentials::new("local", "local", None, None, "static")
}

impl Bench {
    /// Makes the real client of EventBridge.
    fn bus(&self) -> aws_sdk_eventbridge::Client {
        let config = aws_sdk_eventbridge::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url(format!("http://{}", self.address))
            .credentials_provider(credentials())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_eventbridge::Client::from_conf(config)
    }

    fn queue_url(&self) -> String {
        format!("http://{}/000000000000/{QUEUE}", self.address)
    }

    async fn refused(&self, entries: Vec<SendMessageBatchRequestEntry>) -> SendMessageBatchError {
        let request = self.client.send_message_batch().queue_url(self.queue_url()).set_entries(Some(entries));
        let error = request.send().await.unwrap_err().into_service_error();
        assert_eq!(self.mailbox.deliverable(QUEUE, now_ms()).await.unwrap(), 0, "nothing of it is stored");
        error
    }
}

fn now_ms() -> i64 {
    crate::delivery::now_ms()
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

#[tokio::test]
async fn a_batch_from_the_real_client_reaches_the_handler_with_its_groups() {
    let bench = bench().await;
    let url = bench.client.get_queue_url().queue_name(QUEUE).send().await.unwrap().queue_url.unwrap();
    assert_eq!(url, bench.queue_url());
    let entries = ["1", "2"].map(|id| {
        let body = format!("{{\"range\":{id},\"name\":\"é\\n\"}}");
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(body);
        entry.message_group_id("tenant-1").build().unwrap()
    });
    let sent = bench
        .client
        .send_message_batch()
        .queue_url(&url)
        .set_entries(Some(entries.into()))
        .send()
        .await
        .unwrap();
    assert!(sent.failed.is_empty());
    assert_eq!(sent.successful.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);

    let (seen, mut events) = mpsc::unbounded_channel();
    let handler = handler(move |event| {
        seen.send(event).unwrap();
        async { Ok(Value::Null) }
    });
    let (_stop, shutdown) = watch::channel(false);
    let routes = vec![route(QUEUE, Source::Queue { batch_size: 10 }, handler)];
    let _deliveries = Deliveries::start(bench.mailbox.clone(), routes, shutdown);
    let event: SqsEvent = serde_json::from_value(events.recv().await.unwrap()).unwrap();
    for (record, sent) in event.records.iter().zip(&sent.successful) {
        assert_eq!(record.message_id.as_ref(), Some(&sent.message_id));
        assert_eq!(record.md5_of_body.as_ref(), Some(&sent.md5_of_message_body));
        assert_eq!(record.attributes["MessageGroupId"], "tenant-1");
    }
    assert_eq!(event.records[0].body.as_deref(), Some("{\"range\":1,\"name\":\"é\\n\"}"));
    bench.mailbox.idle(&[QUEUE]).await.unwrap();
}

#[tokio::test]
async fn a_single_message_is_stored_and_counted() {
    let bench = bench().await;
    let request = bench.client.send_message().queue_url(bench.queue_url()).message_body("range");
    let sent = request.message_group_id("tenant-1").send().await.unwrap();
    let request = bench.client.get_queue_attributes().queue_url(bench.queue_url());
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    let attributes = request.attribute_names(name.clone()).send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&name], "1");
    let claimed = bench.mailbox.claim(QUEUE, 10, now_ms()).await.unwrap();
    assert_eq!(sent.message_id, Some(claimed[0].id.to_string()));
    assert_eq!(claimed[0].group.as_deref(), Some("tenant-1"));
}

#[tokio::test]
async fn an_unknown_queue_is_the_error_the_client_knows() {
    let bench = bench().await;
    let error = bench.client.get_queue_url().queue_name("absent").send().await.unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());
    let url = bench.queue_url().replace(QUEUE, "absent");
    let error = bench.client.send_message().queue_url(&url).message_body("x").send().await.unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());
    let request = bench.client.send_message_batch().queue_url(&url).entries(entry("1", "x"));
    let error = request.send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("AWS.SimpleQueueService.NonExistentQueue"));
}

#[tokio::test]
async fn a_batch_against_the_limits_is_refused_whole_with_the_code_of_sqs() {
    let bench = bench().await;
    assert!(bench.refused(vec![]).await.is_empty_batch_request());
    let eleven = (0..11).map(|n| entry(&n.to_string(), "x")).collect();
    assert!(bench.refused(eleven).await.is_too_many_entries_in_batch_request());
    let same = vec![entry("1", "x"), entry("1", "y")];
    assert!(bench.refused(same).await.is_batch_entry_ids_not_distinct());
    assert!(bench.refused(vec![entry("a b", "x")]).await.is_invalid_batch_entry_id());
    let half = "x".repeat(MAX_BODIES_BYTES / 2);
    let long = vec![entry("1", &half), entry("2", &half), entry("3", "x")];
    assert!(bench.refused(long).await.is_batch_request_too_long());
}

#[tokio::test]
async fn the_largest_batch_is_taken_however_much_its_escapes_take() {
    let bench = bench().await;
    let half = "\u{1}".repeat(MAX_BODIES_BYTES / 2);
    let request = bench.client.send_message_batch().queue_url(bench.queue_url());
    request.entries(entry("1", &half)).entries(entry("2", &half)).send().await.unwrap();
    assert_eq!(bench.mailbox.deliverable(QUEUE, now_ms()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_delayed_message_is_kept_back() {
    let bench = bench().await;
    let request = bench.client.send_message().queue_url(bench.queue_url()).message_body("x");
    let before_ms = now_ms();
    request.delay_seconds(20).send().await.unwrap();
    assert_eq!(bench.mailbox.deliverable(QUEUE, before_ms + 19_000).await.unwrap(), 0);
    assert_eq!(bench.mailbox.deliverable(QUEUE, now_ms() + 20_000).await.unwrap(), 1);
}

#[tokio::test]
async fn what_the_local_queues_would_lose_is_refused() {
    let bench = bench().await;
    let request = bench.client.send_message().queue_url(bench.queue_url()).message_body("x");
    let error = request.delay_seconds(901).send().await.unwrap_err().into_service_error();
    assert!(error.is_unsupported_operation());
    let error = bench.client.list_queues().send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("InvalidAction"));
}

fn event(source: &str, detail: &str) -> PutEventsRequestEntry {
    PutEventsRequestEntry::builder().source(source).detail_type("email.opened").detail(detail).build()
}

#[tokio::test]
async fn the_bus_hands_events_of_the_rules_source_to_its_queue_and_takes_all_others() {
    let bench = bench().await;
    let arn = "arn:aws:events:us-east-1:000000000000:event-bus/default";
    let mut entries = vec![event("leads.engagement", "{\"id\":\"e1\"}"), event("leads", "{}")];
    entries.push(
        PutEventsRequestEntry::builder()
            .event_bus_name(arn)
            .source("leads.engagement")
            .detail_type("email.replied")
            .detail("{\"id\":\"e2\"}")
            .build(),
    );
    let put = bench.bus().put_events().set_entries(Some(entries)).send().await.unwrap();
    assert_eq!((put.failed_entry_count, put.entries().len()), (0, 3));
    assert!(put.entries().iter().all(|entry| entry.event_id.is_some()));
    let claimed = bench.mailbox.claim(EVENTS, 10, now_ms()).await.unwrap();
    let told: Vec<Value> =
        claimed.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect();
    let seen: Vec<_> = told.iter().map(|event| (&event["detail-type"], &event["detail"]["id"])).collect();
    let text = |text: &str| Value::from(text);
    let expected = [(text("email.opened"), text("e1")), (text("email.replied"), text("e2"))];
    assert_eq!(seen, expected.iter().map(|(kind, id)| (kind, id)).collect::<Vec<_>>());
    assert_eq!(
        (&told[0]["source"], &told[0]["id"]),
        (&text("leads.engagement"), &text(put.entries()[0].event_id().unwrap()))
    );
}

#[tokio::test]
async fn an_event_that_the_bus_cannot_take_fails_alone_and_too_many_fail_together() {
    let bench = bench().await;
    let elsewhere = PutEventsRequestEntry::builder()
        .event_bus_name("other")
        .source("leads.engagement")
        .detail_type("x")
        .detail("{}")
        .build();
    let entries = vec![
        event("leads.engagement", "no JSON"),
        event("leads.engagement", "[]"),
        event("", "{}"),
        elsewhere,
        event("leads.engagement", "{}"),
    ];
    let put = bench.bus().put_events().set_entries(Some(entries)).send().await.unwrap();
    let codes: Vec<_> = put.entries().iter().map(|entry| entry.error_code()).collect();
    let malformed = Some("MalformedDetail");
    assert_eq!(
        codes,
        [malformed, malformed, Some("InvalidArgument"), Some("ResourceNotFoundException"), None]
    );
    assert_eq!(put.failed_entry_count, 4);
    assert_eq!(bench.mailbox.deliverable(EVENTS, now_ms()).await.unwrap(), 1);
    let eleven = (0..11).map(|_| event("leads.engagement", "{}")).collect();
    let refused = bench.bus().put_events().set_entries(Some(eleven)).send().await.unwrap_err();
    assert_eq!(refused.into_service_error().code(), Some("ValidationException"));
    assert_eq!(bench.mailbox.deliverable(EVENTS, now_ms()).await.unwrap(), 1);
}
