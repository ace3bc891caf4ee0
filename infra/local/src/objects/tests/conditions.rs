//! Conditions hold at the moment of the write.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::MetadataDirective;

use super::*;

const FAILED: (u16, &str) = (412, "PreconditionFailed");

fn short<T, E>(answer: Result<T, SdkError<E>>) -> (u16, &'static str)
where
    E: aws_sdk_s3::error::ProvideErrorMetadata + std::fmt::Debug,
{
    let (status, code) = refusal(answer);
    (status, code.leak())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_concurrent_creations_exactly_one_wins() {
    let server = Server::start().await;
    let calls = (0..16).map(|n| {
        let put = server.client.put_object().bucket(BUCKET).key("a").if_none_match("*");
        tokio::spawn(put.body(format!("writer {n}").into_bytes().into()).send())
    });
    let mut won = Vec::new();
    for (n, call) in futures::future::join_all(calls).await.into_iter().enumerate() {
        match call.unwrap() {
            Ok(_) => won.push(n),
            refused => assert_eq!(short(refused), FAILED),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(server.get("a").await, format!("writer {}", won[0]));
    assert_eq!(server.files(), 1, "the losers' content is removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_concurrent_replacements_exactly_one_wins() {
    let server = Server::start().await;
    let etag = server.put("a", "first").await;
    let calls = (0..16).map(|n| {
        let put = server.client.put_object().bucket(BUCKET).key("a").if_match(&etag);
        tokio::spawn(put.body(format!("writer {n}").into_bytes().into()).send())
    });
    let answers = futures::future::join_all(calls).await;
    assert_eq!(answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count(), 1);
    assert_eq!(server.files(), 1);
}

#[tokio::test]
async fn a_write_that_must_match_needs_something_to_match() {
    let server = Server::start().await;
    let put = server.client.put_object().bucket(BUCKET).key("a").if_match("\"x\"");
    let put = put.body(ByteStream::from_static(b"1")).send().await;
    assert_eq!(short(put), (404, "NoSuchKey"));
}

#[tokio::test]
async fn a_read_or_deletion_of_another_version_is_refused() {
    let server = Server::start().await;
    let etag = server.put("a", "1").await;
    let get = || server.client.get_object().bucket(BUCKET).key("a");
    assert_eq!(short(get().if_match("\"x\"").send().await), FAILED);
    get().if_match(&etag).send().await.unwrap();
    let head = server.client.head_object().bucket(BUCKET).key("a").if_match("\"x\"").send().await;
    assert_eq!(short(head).0, 412);
    let delete = server.client.delete_object().bucket(BUCKET).key("a").if_match("\"x\"").send().await;
    assert_eq!(short(delete), FAILED);
    assert_eq!(server.keys().await, ["a"]);
}

#[tokio::test]
async fn a_copy_takes_the_version_it_names() {
    let server = Server::start().await;
    let put = server.client.put_object().bucket(BUCKET).key("in/a b.csv").content_type("text/csv");
    let etag = put.body(ByteStream::from_static(b"content")).send().await.unwrap().e_tag.unwrap();
    let copy = |target: &str| {
        server.client.copy_object().copy_source(format!("{BUCKET}/in/a%20b.csv")).bucket(BUCKET).key(target)
    };
    assert_eq!(short(copy("out").copy_source_if_match("\"x\"").send().await), FAILED);
    let copied = copy("out").copy_source_if_match(&etag).send().await.unwrap();
    assert_eq!(copied.copy_object_result().unwrap().e_tag(), Some(etag.as_str()));

    server.client.delete_object().bucket(BUCKET).key("in/a b.csv").send().await.unwrap();
    let got = server.client.get_object().bucket(BUCKET).key("out").send().await.unwrap();
    assert_eq!(got.content_type(), Some("text/csv"));
    assert_eq!(text(got.body).await, "content");
    assert_eq!(short(copy("again").send().await), (404, "NoSuchKey"));
}

#[tokio::test]
async fn a_copy_to_itself_can_only_replace_the_metadata() {
    let server = Server::start().await;
    server.put("a", "content").await;
    let copy = || server.client.copy_object().copy_source(format!("{BUCKET}/a")).bucket(BUCKET).key("a");
    assert_eq!(short(copy().send().await), (400, "InvalidRequest"));
    let replace = copy().metadata_directive(MetadataDirective::Replace).content_type("text/plain");
    replace.send().await.unwrap();
    let got = server.client.get_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!(got.content_type(), Some("text/plain"));
    assert_eq!(text(got.body).await, "content");
    let absent = copy().key("b").if_none_match("*");
    absent.clone().send().await.unwrap();
    assert_eq!(short(absent.send().await), FAILED);
}
