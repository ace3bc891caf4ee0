//! Every key S3 allows works, and lists in order.

use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier};

use super::*;

fn odd_keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "../escape",
        "../../uploads/x",
        "a/../b",
        "..",
        ".",
        "a//b",
        "/leading",
        "trailing/",
        "a b",
        "a+b",
        "a%20b",
        "100%",
        "%2e%2e/x",
        "ä/ö",
        "日本語",
        "emoji 🦀",
        "a&b<c>\"'",
        "q?x=1#y",
        "a\\b",
        "~tilde*(!)",
        "new\tline",
    ]
    .map(Into::into)
    .into();
    keys.push("k".repeat(1024));
    keys.push(format!("{}é", "long/".repeat(204)));
    keys.sort();
    keys
}

#[tokio::test]
async fn odd_keys_are_keys_like_others() {
    let server = Server::start().await;
    server.client.create_bucket().bucket("another").send().await.unwrap();
    let keys = odd_keys();
    for key in &keys {
        server.put(key, &format!("content of {key}")).await;
    }
    assert_eq!(server.keys().await, keys);
    for key in &keys {
        assert_eq!(server.get(key).await, format!("content of {key}"));
        server.client.head_object().bucket(BUCKET).key(key).send().await.unwrap();
    }
    let other = server.client.list_objects_v2().bucket("another").send().await.unwrap();
    assert_eq!(other.key_count(), Some(0));
    let names = |directory: &Path| {
        let mut names: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.retain(|name| !name.starts_with("catalog.sqlite"));
        names.sort();
        names
    };
    assert_eq!(names(server.directory.path()), ["content", "drafts", "lock"]);

    let all = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder().set_objects(Some(all.collect())).build().unwrap();
    let deleted = server.client.delete_objects().bucket(BUCKET).delete(delete).send().await.unwrap();
    assert_eq!(deleted.deleted().len(), keys.len());
    assert!(server.keys().await.is_empty());
    assert_eq!(server.files(), 0);
}

#[tokio::test]
async fn a_key_of_more_than_1024_bytes_is_refused() {
    let server = Server::start().await;
    let put = server.client.put_object().bucket(BUCKET).key("k".repeat(1025)).send().await;
    assert_eq!(refusal(put), (400, "KeyTooLongError".into()));
}

#[tokio::test]
async fn listing_pages_folds_and_encodes() {
    let server = Server::start().await;
    for key in ["a", "in/1", "in/2/x", "in/2/y", "in/3 +", "z"] {
        server.put(key, "12345").await;
    }
    let list = || server.client.list_objects_v2().bucket(BUCKET);
    let mut pages = list().max_keys(2).into_paginator().send();
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.key_count().unwrap() <= 2);
        keys.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
    }
    assert_eq!(keys, ["a", "in/1", "in/2/x", "in/2/y", "in/3 +", "z"]);

    let folded = list().prefix("in/").delimiter("/").encoding_type(EncodingType::Url).send().await.unwrap();
    let keys: Vec<_> = folded.contents().iter().map(|object| object.key().unwrap()).collect();
    assert_eq!(keys, ["in/1", "in/3%20%2B"]);
    assert_eq!(folded.contents()[0].size(), Some(5));
    assert_eq!(folded.contents()[0].e_tag(), Some("\"827ccb0eea8a706c4c34a16891f84e7b\""));
    assert_eq!(folded.common_prefixes()[0].prefix(), Some("in/2/"));
    assert_eq!(folded.key_count(), Some(3));
    assert_eq!(folded.is_truncated(), Some(false));

    let after = list().start_after("in/2/x").send().await.unwrap();
    let keys: Vec<_> = after.contents().iter().map(|object| object.key().unwrap()).collect();
    assert_eq!(keys, ["in/2/y", "in/3 +", "z"]);
    let bad = list().continuation_token("not ours").send().await;
    assert_eq!(refusal(bad), (400, "InvalidArgument".into()));
    assert_eq!(list().max_keys(0).send().await.unwrap().is_truncated(), Some(false));
}
