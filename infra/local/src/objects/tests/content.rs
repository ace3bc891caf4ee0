//! Content comes back as it was sent, whole or in part, or is refused.

use std::sync::Arc;

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use s3s::S3Request;
use s3s::dto::StreamingBlob;

use super::*;
use crate::objects::receive::{Received, receive};
use crate::objects::storage::Storage;

#[tokio::test]
async fn an_object_comes_back_with_its_headers() {
    let server = Server::start().await;
    let put = server.client.put_object().bucket(BUCKET).key("a.csv").body(ByteStream::from_static(b"hello"));
    let put =
        put.content_type("text/csv").cache_control("no-store").metadata("owner", "me").send().await.unwrap();
    assert_eq!(put.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));

    let got = server.client.get_object().bucket(BUCKET).key("a.csv");
    let got = got.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(got.content_type(), Some("text/csv"));
    assert_eq!(got.cache_control(), Some("no-store"));
    assert_eq!(got.content_encoding(), None);
    assert_eq!(got.metadata().unwrap()["owner"], "me");
    assert_eq!(got.e_tag(), put.e_tag());
    // The SDK has sent a CRC32 by itself, and checks it again here.
    assert_eq!(got.checksum_crc32(), Some("NhCmhg=="));
    assert_eq!(text(got.body).await, "hello");

    let head = server.client.head_object().bucket(BUCKET).key("a.csv").send().await.unwrap();
    assert_eq!(head.content_length(), Some(5));
    assert_eq!(head.content_type(), Some("text/csv"));
    assert!(head.last_modified().unwrap().secs() > 0);
    let missing = server.client.head_object().bucket(BUCKET).key("b").send().await;
    assert_eq!(refusal(missing).0, 404);
    let missing = server.client.get_object().bucket(BUCKET).key("b").send().await;
    assert_eq!(refusal(missing), (404, "NoSuchKey".into()));
}

#[tokio::test]
async fn a_streamed_file_is_checked_by_every_kind_of_trailer() {
    let server = Server::start().await;
    let content: Vec<u8> = (0..3_000_017_u32).map(|i| (i % 251) as u8).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &content).unwrap();
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let body = ByteStream::from_path(file.path()).await.unwrap();
        let put = server.client.put_object().bucket(BUCKET).key("file").body(body);
        put.checksum_algorithm(algorithm).send().await.unwrap();
        let got = server.client.get_object().bucket(BUCKET).key("file");
        let got = got.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        assert_eq!(got.content_encoding(), None);
        let sums = [
            &got.checksum_crc32,
            &got.checksum_crc32_c,
            &got.checksum_crc64_nvme,
            &got.checksum_sha1,
            &got.checksum_sha256,
        ];
        assert_eq!(sums.into_iter().flatten().count(), 1, "the one its sender chose");
        assert_eq!(got.body.collect().await.unwrap().to_vec(), content);
    }
    assert_eq!(server.files(), 1, "replaced content is removed");
}

#[tokio::test]
async fn a_range_is_answered_exactly() {
    let server = Server::start().await;
    let content: String = (0..100_000).map(|i| format!("{i:09}\n")).collect();
    server.put("a", &content).await;
    let get = |range: &str| server.client.get_object().bucket(BUCKET).key("a").range(range).send();
    for (range, expected) in [
        ("bytes=10-19", &content[10..20]),
        ("bytes=999990-", &content[999_990..]),
        ("bytes=-10", &content[999_990..]),
        ("bytes=300000-800000", &content[300_000..800_001]),
    ] {
        let got = get(range).await.unwrap();
        assert_eq!(got.content_length(), Some(expected.len() as i64));
        assert!(got.content_range().unwrap().ends_with("/1000000"));
        assert_eq!(text(got.body).await, expected, "{range}");
    }
    assert_eq!(refusal(get("bytes=1000000-").await), (416, "InvalidRange".into()));
}

#[tokio::test]
async fn a_reader_of_replaced_content_reads_on() {
    let server = Server::start().await;
    let old = "old".repeat(1 << 20);
    server.put("a", &old).await;
    let got = server.client.get_object().bucket(BUCKET).key("a").send().await.unwrap();
    server.put("a", "new").await;
    assert_eq!(text(got.body).await, old);
    assert_eq!(server.get("a").await, "new");
}

#[tokio::test]
async fn deleting_is_idempotent_and_frees_the_content() {
    let server = Server::start().await;
    server.put("a", "1").await;
    for _ in 0..2 {
        server.client.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
    }
    assert_eq!(server.files(), 0);
    assert!(server.keys().await.is_empty());
}

#[tokio::test]
async fn a_wrong_checksum_publishes_nothing() {
    let server = Server::start().await;
    let put = || server.client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    let wrong = put().checksum_crc32("AAAAAA==").send().await;
    assert_eq!(refusal(wrong), (400, "BadDigest".into()));
    let wrong = put().content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await;
    assert_eq!(refusal(wrong), (400, "BadDigest".into()));
    let wrong = put().content_md5("no base64").send().await;
    assert_eq!(refusal(wrong), (400, "InvalidDigest".into()));
    put().content_md5("XUFAKrxLKna5cZ2REBfFkg==").key("right").send().await.unwrap();
    assert_eq!(server.keys().await, ["right"]);
    assert_eq!(server.files(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_publishes_nothing() {
    let server = Server::start().await;
    server.put("a", "old").await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![b'x'; 1 << 20]).unwrap();
    let body = ByteStream::from_path(file.path()).await.unwrap();
    // The SDK has promised the length it saw, and runs dry half-way.
    file.as_file().set_len(1 << 19).unwrap();
    let put = server.client.put_object().bucket(BUCKET).key("a").body(body).send().await;
    assert!(put.is_err());
    assert_eq!(server.get("a").await, "old");
}

/// Feeds the receiver a body as s3s passes it on when a chunked one ends too early.
async fn receive_pieces(
    headers: &[(&'static str, &'static str)],
    pieces: Vec<std::io::Result<Bytes>>,
) -> Result<Received, StorageError> {
    let directory = tempfile::tempdir().unwrap();
    let storage = Arc::new(Storage::open(directory.path(), None).unwrap());
    let request = S3Request {
        input: (),
        method: Method::PUT,
        uri: Uri::from_static("/uploads/a"),
        headers: HeaderMap::from_iter(
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())),
        ),
        extensions: Default::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    };
    receive(&storage, &request, Some(StreamingBlob::wrap(futures::stream::iter(pieces)))).await
}

#[tokio::test]
async fn a_body_without_its_last_chunk_is_incomplete() {
    let code = |answer: Result<Received, StorageError>| {
        s3s::S3Error::from(answer.unwrap_err()).code().as_str().to_owned()
    };
    let half = || vec![Ok(Bytes::from_static(b"half"))];
    let short = receive_pieces(&[("content-length", "8")], half()).await;
    assert_eq!(code(short), "IncompleteBody");
    let short =
        receive_pieces(&[("content-length", "4"), ("x-amz-decoded-content-length", "8")], half()).await;
    assert_eq!(code(short), "IncompleteBody");
    let no_trailer = receive_pieces(&[("x-amz-trailer", "x-amz-checksum-crc32")], half()).await;
    assert_eq!(code(no_trailer), "BadDigest");
    let broken = receive_pieces(
        &[],
        vec![Ok(Bytes::from_static(b"half")), Err(std::io::ErrorKind::ConnectionReset.into())],
    )
    .await;
    assert_eq!(code(broken), "IncompleteBody");
    assert_eq!(receive_pieces(&[("content-length", "4")], half()).await.unwrap().size_bytes, 4);
}

#[tokio::test]
async fn a_date_of_the_answer_can_be_sent_back_as_a_condition() {
    let server = Server::start().await;
    let etag = server.put("a", "1").await;
    let get = || server.client.get_object().bucket(BUCKET).key("a");
    let modified = get().send().await.unwrap().last_modified().copied().unwrap();
    assert_eq!(refusal(get().if_modified_since(modified).send().await).0, 304);
    assert_eq!(refusal(get().if_none_match(etag).send().await).0, 304);
    get().if_unmodified_since(modified).send().await.unwrap();
    let before = DateTime::from_secs(modified.secs() - 10);
    assert_eq!(refusal(get().if_unmodified_since(before).send().await).0, 412);
}
