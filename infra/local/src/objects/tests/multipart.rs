//! Uploads in parts.

use aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::*;

const MIB: usize = 1 << 20;

async fn begin(server: &Server, key: &str) -> String {
    let begun = server.client.create_multipart_upload().bucket(BUCKET).key(key).content_type("text/csv");
    begun.send().await.unwrap().upload_id.unwrap()
}

async fn part(server: &Server, key: &str, id: &str, number: i32, body: Vec<u8>) -> CompletedPart {
    let part = server.client.upload_part().bucket(BUCKET).key(key).upload_id(id).part_number(number);
    let done = part.body(body.into()).send().await.unwrap();
    CompletedPart::builder().part_number(number).e_tag(done.e_tag.unwrap()).build()
}

fn complete(
    server: &Server,
    key: &str,
    id: &str,
    parts: &[CompletedPart],
) -> CompleteMultipartUploadFluentBuilder {
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build();
    server.client.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(id).multipart_upload(parts)
}

#[tokio::test]
async fn parts_become_one_object() {
    let server = Server::start().await;
    let id = begin(&server, "a").await;
    let second = part(&server, "a", &id, 2, vec![b'2'; 10]).await;
    part(&server, "a", &id, 1, vec![b'0'; 10]).await;
    let first = part(&server, "a", &id, 1, vec![b'1'; 5 * MIB]).await;

    let listed = server.client.list_parts().bucket(BUCKET).key("a").upload_id(&id).send().await.unwrap();
    let sizes: Vec<_> =
        listed.parts().iter().map(|part| (part.part_number().unwrap(), part.size().unwrap())).collect();
    assert_eq!(sizes, [(1, 5 * MIB as i64), (2, 10)]);
    assert!(server.keys().await.is_empty(), "not visible before its completion");

    let done = complete(&server, "a", &id, &[first, second]).send().await.unwrap();
    let etag = done.e_tag().unwrap();
    assert!(etag.ends_with("-2\"") && etag.len() == 36, "{etag}");
    let got = server.client.get_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!(got.content_type(), Some("text/csv"));
    assert_eq!(got.e_tag(), Some(etag));
    let content = got.body.collect().await.unwrap().to_vec();
    assert_eq!(content, [vec![b'1'; 5 * MIB], vec![b'2'; 10]].concat());
    assert_eq!(server.files(), 1, "the parts are removed");
    let again = complete(&server, "a", &id, &[]).send().await;
    assert_eq!(refusal(again), (404, "NoSuchUpload".into()));
}

#[tokio::test]
async fn wrong_parts_are_refused_and_the_upload_goes_on() {
    let server = Server::start().await;
    let id = begin(&server, "a").await;
    let first = part(&server, "a", &id, 1, b"1".to_vec()).await;
    let second = part(&server, "a", &id, 2, b"2".to_vec()).await;
    let wrong = CompletedPart::builder().part_number(1).e_tag("\"x\"").build();
    for (parts, code) in [
        (vec![wrong], "InvalidPart"),
        (vec![second.clone(), first.clone()], "InvalidPartOrder"),
        (vec![first.clone(), second], "EntityTooSmall"),
        (vec![], "MalformedXML"),
    ] {
        assert_eq!(refusal(complete(&server, "a", &id, &parts).send().await), (400, code.into()));
    }
    complete(&server, "a", &id, &[first]).send().await.unwrap();
    assert_eq!(server.get("a").await, "1");
}

#[tokio::test]
async fn a_completion_that_must_create_does_not_replace() {
    let server = Server::start().await;
    let id = begin(&server, "a").await;
    let only = part(&server, "a", &id, 1, b"parts".to_vec()).await;
    server.put("a", "whole").await;
    let refused = complete(&server, "a", &id, std::slice::from_ref(&only)).if_none_match("*").send().await;
    assert_eq!(refusal(refused), (412, "PreconditionFailed".into()));
    assert_eq!(server.get("a").await, "whole");
    server.client.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
    complete(&server, "a", &id, &[only]).if_none_match("*").send().await.unwrap();
    assert_eq!(server.get("a").await, "parts");
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let server = Server::start().await;
    let id = begin(&server, "a").await;
    part(&server, "a", &id, 1, b"1".to_vec()).await;
    assert_eq!(server.files(), 1);
    let abort = || server.client.abort_multipart_upload().bucket(BUCKET).key("a").upload_id(&id).send();
    abort().await.unwrap();
    assert_eq!(server.files(), 0);
    assert_eq!(refusal(abort().await), (404, "NoSuchUpload".into()));
    let late = server.client.upload_part().bucket(BUCKET).key("a").upload_id(&id).part_number(1).send().await;
    assert_eq!(refusal(late), (404, "NoSuchUpload".into()));
    assert_eq!(server.files(), 0);
}

#[tokio::test]
async fn an_upload_survives_reopening() {
    let server = Server::start().await;
    let id = begin(&server, "a").await;
    let only = part(&server, "a", &id, 1, b"1".to_vec()).await;
    let server = Server::start_on(server.stop().await, None).await;
    complete(&server, "a", &id, &[only]).send().await.unwrap();
    assert_eq!(server.get("a").await, "1");
}
