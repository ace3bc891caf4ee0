//! The store as its callers see it: the real S3 SDK over loopback.

mod browsers;
mod conditions;
mod content;
mod multipart;
mod names;
mod notifications;
mod recorder;

use std::path::Path;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::{Client, Config};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Notifications, ObjectServer, ObjectServerConfig, StorageError};

const BUCKET: &str = "uploads";
const ACCESS_KEY: &str = "local";
const SECRET_KEY: &str = "local-secret";

/// Is a running server on a directory of its own.
struct Server {
    client: Client,
    endpoint: String,
    directory: TempDir,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        Self::start_on(tempfile::tempdir().unwrap(), None).await
    }

    async fn start_on(directory: TempDir, notifications: Option<Notifications>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = ObjectServer::bind(config(directory.path(), notifications), listener).await.unwrap();
        let endpoint = format!("http://{}", server.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.serve(async { drop(stopped.await) }));
        Self { client: client(&endpoint, SECRET_KEY), endpoint, directory, stop, serving }
    }

    /// Stops the server and gives its directory back.
    async fn stop(self) -> TempDir {
        drop(self.client);
        self.stop.send(()).unwrap();
        self.serving.await.unwrap();
        self.directory
    }

    async fn put(&self, key: &str, body: &str) -> String {
        let put = self.client.put_object().bucket(BUCKET).key(key).body(body.to_owned().into_bytes().into());
        put.send().await.unwrap().e_tag.unwrap()
    }

    async fn get(&self, key: &str) -> String {
        let got = self.client.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        text(got.body).await
    }

    async fn keys(&self) -> Vec<String> {
        let listed = self.client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
        listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
    }

    /// Counts the files of the store, drafts included.
    fn files(&self) -> usize {
        fn count(directory: &Path) -> usize {
            let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
            entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
        }
        count(&self.directory.path().join("content")) + count(&self.directory.path().join("drafts"))
    }
}

fn config(directory: &Path, notifications: Option<Notifications>) -> ObjectServerConfig {
    ObjectServerConfig {
        directory: directory.to_owned(),
        access_key: ACCESS_KEY.into(),
        secret_key: SECRET_KEY.into(),
        buckets: vec![BUCKET.into()],
        notifications,
    }
}

fn client(endpoint: &str, secret: &str) -> Client {
    Client::from_conf(
        Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new(ACCESS_KEY, secret, None, None, "test"))
            .endpoint_url(endpoint)
            .force_path_style(true)
            .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build(),
    )
}

async fn text(body: ByteStream) -> String {
    String::from_utf8(body.collect().await.unwrap().to_vec()).unwrap()
}

/// Gives the status and the code of the error that a call answered with.
fn refusal<T, E>(answer: Result<T, SdkError<E>>) -> (u16, String)
where
    E: aws_sdk_s3::error::ProvideErrorMetadata + std::fmt::Debug,
{
    let error = answer.err().expect("the call is refused");
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    (status, error.code().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn data_survives_reopening_and_what_a_crash_left_does_not() {
    let server = Server::start().await;
    server.put("a", "content").await;
    let directory = server.stop().await;
    // What a crash leaves before the object is visible.
    std::fs::create_dir_all(directory.path().join("content/aa/bb")).unwrap();
    std::fs::write(directory.path().join("content/aa/bb/orphan"), "x").unwrap();
    std::fs::write(directory.path().join("drafts/half"), "x").unwrap();

    let server = Server::start_on(directory, None).await;
    assert_eq!(server.get("a").await, "content");
    assert_eq!(server.files(), 1, "the rest is swept");
}

#[tokio::test]
async fn a_second_process_cannot_open_the_directory() {
    let server = Server::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = ObjectServer::bind(config(server.directory.path(), None), listener).await;
    assert!(matches!(second.err(), Some(StorageError::InUse)));
}

#[tokio::test]
async fn another_secret_is_refused() {
    let server = Server::start().await;
    let stranger = client(&server.endpoint, "guessed");
    let (status, code) = refusal(stranger.get_object().bucket(BUCKET).key("a").send().await);
    assert_eq!((status, code.as_str()), (403, "SignatureDoesNotMatch"));
}

#[tokio::test]
async fn buckets_are_made_once_and_must_exist() {
    let server = Server::start().await;
    for _ in 0..2 {
        server.client.create_bucket().bucket("another").send().await.unwrap();
    }
    server.client.head_bucket().bucket("another").send().await.unwrap();
    let listed = server.client.list_buckets().send().await.unwrap();
    let names: Vec<_> = listed.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, ["another", BUCKET]);

    // Large, so that the answer comes while the body is still being sent.
    let body = vec![b'x'; 8 << 20];
    let put = server.client.put_object().bucket("missing").key("a").body(body.into()).send().await;
    assert_eq!(refusal(put), (404, "NoSuchBucket".into()));
    assert_eq!(refusal(server.client.head_bucket().bucket("missing").send().await).0, 404);
    let list = server.client.list_objects_v2().bucket("missing").send().await;
    assert_eq!(refusal(list), (404, "NoSuchBucket".into()));
}
