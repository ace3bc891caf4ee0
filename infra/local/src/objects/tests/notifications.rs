//! Every created object is announced before it is visible and confirmed after.

use std::sync::Arc;

use super::recorder::Recorder;
use super::*;
use crate::objects::EventName;

async fn start(fails: Option<&'static str>) -> (Server, Arc<Recorder>) {
    let directory = tempfile::tempdir().unwrap();
    let catalog = directory.path().join("catalog.sqlite");
    let recorder = Arc::new(Recorder { catalog, fails, ..Recorder::default() });
    let notifications = Notifications::new(recorder.clone(), ["in/"]);
    (Server::start_on(directory, Some(notifications)).await, recorder)
}

fn heard(recorder: &Recorder) -> Vec<String> {
    recorder.heard.lock().unwrap().clone()
}

#[tokio::test]
async fn a_notification_is_announced_then_the_object_visible_then_confirmed() {
    let (server, recorder) = start(None).await;
    server.put("in/a b", "1").await;
    server.put("elsewhere", "2").await;
    assert_eq!(heard(&recorder), ["announce 0, not visible", "confirm 0, visible"]);

    let copy =
        server.client.copy_object().copy_source(format!("{BUCKET}/elsewhere")).bucket(BUCKET).key("in/c");
    copy.send().await.unwrap();
    let created = recorder.created.lock().unwrap().clone();
    assert_eq!(created.len(), 2);
    assert_eq!((created[0].key.as_str(), created[0].size_bytes), ("in/a b", 1));
    assert_eq!(created[0].event_name, EventName::Put);
    assert_eq!(created[0].etag, "c4ca4238a0b923820dcc509a6f75849b");
    assert_eq!(created[0].to_event()["Records"][0]["s3"]["object"]["key"], "in/a+b");
    assert_eq!(created[1].event_name, EventName::Copy);
    assert!(created[0].sequencer < created[1].sequencer);
}

#[tokio::test]
async fn a_notification_is_withdrawn_when_the_condition_fails() {
    let (server, recorder) = start(None).await;
    server.put("in/a", "1").await;
    let put =
        server.client.put_object().bucket(BUCKET).key("in/a").if_none_match("*").body(b"2".to_vec().into());
    assert_eq!(refusal(put.send().await).0, 412);
    assert_eq!(
        heard(&recorder),
        [
            "announce 0, not visible",
            "confirm 0, visible",
            "announce 1, not visible",
            "withdraw 1, not visible"
        ]
    );
}

#[tokio::test]
async fn an_object_that_cannot_be_announced_is_not_published() {
    let (server, recorder) = start(Some("announce")).await;
    let put = server.client.put_object().bucket(BUCKET).key("in/a").body(b"1".to_vec().into());
    assert_eq!(refusal(put.send().await), (500, "InternalError".into()));
    assert!(server.keys().await.is_empty());
    assert_eq!(server.files(), 0);
    assert_eq!(heard(&recorder), ["announce 0, not visible"]);
}

#[tokio::test]
async fn an_object_that_cannot_be_confirmed_stays_and_its_caller_is_told() {
    let (server, recorder) = start(Some("confirm")).await;
    let put = server.client.put_object().bucket(BUCKET).key("in/a").body(b"1".to_vec().into());
    assert_eq!(refusal(put.send().await), (500, "InternalError".into()));
    assert_eq!(server.keys().await, ["in/a"]);
    assert_eq!(heard(&recorder), ["announce 0, not visible", "confirm 0, visible"]);
}

#[tokio::test]
async fn completing_an_upload_is_one_creation() {
    let (server, recorder) = start(None).await;
    let begun = server.client.create_multipart_upload().bucket(BUCKET).key("in/a").send().await.unwrap();
    let id = begun.upload_id().unwrap();
    let part = server.client.upload_part().bucket(BUCKET).key("in/a").upload_id(id).part_number(1);
    let part = part.body(b"1".to_vec().into()).send().await.unwrap();
    let part = aws_sdk_s3::types::CompletedPart::builder().part_number(1).e_tag(part.e_tag.unwrap()).build();
    let parts = aws_sdk_s3::types::CompletedMultipartUpload::builder().parts(part).build();
    let complete = server.client.complete_multipart_upload().bucket(BUCKET).key("in/a").upload_id(id);
    complete.multipart_upload(parts).send().await.unwrap();
    assert_eq!(heard(&recorder), ["announce 0, not visible", "confirm 0, visible"]);
    assert_eq!(recorder.created.lock().unwrap()[0].event_name, EventName::CompleteMultipartUpload);
}
