//! The data plane through the clients that the functions use.

mod capacity;
mod contract;
mod fields;

use bytes::Bytes;
use serde_json::Value;
use store::{ObjectStore as _, RangeMessage, RangeQueue as _, TenantStore as _};
use tempfile::TempDir;

use super::*;
use crate::delivery::Message;

async fn start(folder: &TempDir) -> Result<DataPlane, StartError> {
    DataPlane::start(&Data::Directory(folder.path().join("data")), Ports::default()).await
}

/// Makes a data plane that lives as long as the test's runtime.
async fn fresh_store() -> DynamoStore {
    let plane = DataPlane::start(&Data::Memory, Ports::default()).await.unwrap();
    let store = plane.store();
    tokio::spawn(async move {
        let _plane = plane;
        std::future::pending::<()>().await;
    });
    store
}

async fn claim(plane: &DataPlane, destination: &str) -> Vec<Message> {
    let now_ms = chrono::Utc::now().timestamp_millis();
    plane.mailbox().claim(destination, 10, now_ms).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_survives_a_stop_and_so_do_the_messages() {
    let folder = tempfile::tempdir().unwrap();
    let plane = start(&folder).await.unwrap();
    let tenant = store::testing::tenant();
    let made = chrono::DateTime::from_timestamp_millis(1_795_000_000_000).unwrap();
    let key = store::ApiKey::new(tenant.id, "first key", ["*"], made);
    let hash = store::KeyHash::of("key");
    assert!(plane.store().create_tenant(&tenant, hash, &key).await.unwrap());
    plane.objects().put("inbox/demo/a b.csv", "text/csv", Bytes::from_static(b"Email\n")).await.unwrap();
    let message = RangeMessage { tenant: tenant.id, job: uuid::Uuid::now_v7(), range: 3 };
    plane.ranges().send(&[message]).await.unwrap();
    plane.stop().await;

    let plane = start(&folder).await.unwrap();
    assert_eq!(plane.store().tenant(tenant.id).await.unwrap(), Some(tenant));
    assert_eq!(plane.store().api_key(hash).await.unwrap(), Some(key));
    assert!(plane.objects().head("inbox/demo/a b.csv").await.unwrap().is_some());
    let notifications = claim(&plane, NOTIFICATIONS).await;
    let event: Value = serde_json::from_str(&notifications[0].body).unwrap();
    assert_eq!(event["Records"][0]["s3"]["object"]["key"], "inbox/demo/a+b.csv");
    assert_eq!(event["Records"][0]["s3"]["bucket"]["name"], plane.bucket());
    let ranges = claim(&plane, RANGES).await;
    assert_eq!(serde_json::from_str::<RangeMessage>(&ranges[0].body).unwrap(), message);
    plane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_dropped_and_uploaded_files_are_announced() {
    let plane = DataPlane::start(&Data::Memory, Ports::default()).await.unwrap();
    let objects = plane.objects();
    for key in ["inbox/demo/a.csv", "uploads/t/j", "imports/t/j/source", "inboxes/a.csv"] {
        objects.put(key, "text/csv", Bytes::from_static(b"x")).await.unwrap();
    }
    let notifications = claim(&plane, NOTIFICATIONS).await;
    let keys: Vec<Value> = notifications
        .iter()
        .map(|message| serde_json::from_str::<Value>(&message.body).unwrap())
        .map(|event| event["Records"][0]["s3"]["object"]["key"].clone())
        .collect();
    assert_eq!(keys, ["inbox/demo/a.csv", "uploads/t/j"]);
    plane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_uploads_at_once_are_all_announced() {
    let plane = DataPlane::start(&Data::Memory, Ports::default()).await.unwrap();
    let objects = plane.objects();
    let puts = (0..64).map(|n| {
        let objects = objects.clone();
        async move { objects.put(&format!("inbox/demo/{n}"), "text/csv", Bytes::from_static(b"x")).await }
    });
    futures::future::try_join_all(puts).await.unwrap();
    let now_ms = chrono::Utc::now().timestamp_millis();
    assert_eq!(plane.mailbox().deliverable(NOTIFICATIONS, now_ms).await.unwrap(), 64);
    plane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_directory_is_for_one_process_and_is_free_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let plane = start(&folder).await.unwrap();
    assert!(matches!(start(&folder).await.err(), Some(StartError::InUse(_))));
    plane.stop().await;
    start(&folder).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_leaves_nothing_behind() {
    let plane = DataPlane::start(&Data::Memory, Ports::default()).await.unwrap();
    let directory = plane.directory().to_owned();
    assert!(directory.is_dir());
    plane.stop().await;
    assert!(!directory.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_the_option_that_chose_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let started = DataPlane::start(&Data::Memory, Ports { s3: port, ..Ports::default() }).await;
    let error = started.err().unwrap().to_string();
    assert!(error.starts_with(&format!("cannot listen on 127.0.0.1:{port}: ")), "{error}");
    assert!(error.contains("--s3-port"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_all_that_a_function_reads() {
    let plane = DataPlane::start(&Data::Memory, Ports::default()).await.unwrap();
    let names: Vec<_> = plane.environment().into_iter().map(|(name, _)| name).collect();
    for name in [
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_SQS",
        "AWS_ENDPOINT_URL_EVENTBRIDGE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "LEADS_BUCKET",
        "LEADS_RANGE_QUEUE_URL",
        "LEADS_EVENT_BUS",
        "LEADS_CONTACTS_TABLE",
        "LEADS_DIRECTORY_TABLE",
        "LEADS_ACTIVITY_TABLE",
        "LEADS_CONFIG_TABLE",
    ] {
        assert!(names.contains(&name), "{name} is missing");
    }
    plane.stop().await;
}
