//! What a browser does: presigned URLs and CORS, without an SDK.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

fn for_a_minute() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()
}

async fn presigned_put(server: &Server, key: &str) -> String {
    let put = server.client.put_object().bucket(BUCKET).key(key).content_type("text/csv");
    put.presigned(for_a_minute()).await.unwrap().uri().to_owned()
}

/// Runs a blocking HTTP client that takes every status as an answer.
async fn call<T: Send + 'static>(work: impl FnOnce(&ureq::Agent) -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(move || {
        work(&ureq::Agent::config_builder().http_status_as_error(false).build().new_agent())
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn presigned_urls_upload_and_download() {
    let server = Server::start().await;
    let key = "in/my file + 100%.csv";
    let url = presigned_put(&server, key).await;
    let status = call(move |http| {
        http.put(url)
            .header("content-type", "text/csv")
            .header("origin", "http://page")
            .send("a,b\n")
            .unwrap()
            .status()
    })
    .await;
    assert_eq!(status, 200);
    assert_eq!(server.get(key).await, "a,b\n");

    let get = server.client.get_object().bucket(BUCKET).key(key);
    let url = get.presigned(for_a_minute()).await.unwrap().uri().to_owned();
    let tampered = url.replace("my%20file", "your%20file");
    assert_ne!(url, tampered);
    let (body, origin, exposed) = call(move |http| {
        let mut answer = http.get(url).header("origin", "http://page").call().unwrap();
        let header = |name| answer.headers()[name].to_str().unwrap().to_owned();
        let (origin, exposed) =
            (header("access-control-allow-origin"), header("access-control-expose-headers"));
        (answer.body_mut().read_to_string().unwrap(), origin, exposed)
    })
    .await;
    assert_eq!(body, "a,b\n");
    assert_eq!(origin, "*");
    assert!(exposed.contains("ETag"));
    assert_eq!(call(move |http| http.get(tampered).call().unwrap().status()).await, 403);
}

#[tokio::test]
async fn a_preflight_is_answered_for_the_headers_it_asks_for() {
    let server = Server::start().await;
    let url = format!("{}/{BUCKET}/a", server.endpoint);
    let answer = call(move |http| {
        let request = http.options(url).header("origin", "http://page");
        let request = request.header("access-control-request-method", "PUT");
        request.header("access-control-request-headers", "authorization,content-type").call().unwrap()
    })
    .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(answer.headers()["access-control-allow-methods"], "GET, PUT, POST, HEAD, DELETE");
    assert_eq!(answer.headers()["access-control-allow-headers"], "authorization,content-type");
}

/// Sends a presigned PUT with a body shorter than it says; gives what is answered.
async fn send_half(server: &Server, close: bool) -> String {
    let url = presigned_put(server, "a").await;
    let host = server.endpoint.strip_prefix("http://").unwrap().to_owned();
    let path = url.strip_prefix(&server.endpoint).unwrap().to_owned();
    let mut stream = TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: text/csv\r\ncontent-length: 1000000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[b'x'; 500_000]).await.unwrap();
    // Long enough for the first half to reach the draft.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut answer = String::new();
    if !close {
        stream.shutdown().await.unwrap();
        stream.read_to_string(&mut answer).await.unwrap();
    }
    answer
}

#[tokio::test]
async fn a_connection_that_breaks_publishes_nothing() {
    let server = Server::start().await;
    server.put("a", "old").await;
    assert!(!send_half(&server, false).await.contains("200 OK"));
    send_half(&server, true).await;
    for _ in 0..50 {
        if server.files() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.files(), 1, "the draft is gone");
    assert_eq!(server.get("a").await, "old");
}

#[tokio::test]
async fn stopping_waits_for_the_request_under_way() {
    let server = Server::start().await;
    let url = presigned_put(&server, "a").await;
    let host = server.endpoint.strip_prefix("http://").unwrap().to_owned();
    let path = url.strip_prefix(&server.endpoint).unwrap().to_owned();
    let mut stream = TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: text/csv\r\ncontent-length: 8\r\n\r\nhalf"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.write_all(b"half").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let server = Server::start_on(stopping.await.unwrap(), None).await;
    assert_eq!(server.get("a").await, "halfhalf");
}
