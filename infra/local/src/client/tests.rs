//! The client against a server that answers as the API does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::http_server::{listen, serve};

/// Is what the server saw and what it answers.
#[derive(Default)]
struct Server {
    url: String,
    asked: Option<Value>,
    key: Option<String>,
    uploaded: Option<(HeaderMap, Bytes)>,
    looks: usize,
    states: Vec<Value>,
    refusal: Option<(StatusCode, Value)>,
}

type Shared = Arc<Mutex<Server>>;

async fn start(server: Server) -> Shared {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shared = Arc::new(Mutex::new(Server { url, ..server }));
    let router = Router::new()
        .route("/api/v1/imports", post(create))
        .route("/api/v1/imports/{id}", get(follow))
        .route("/bucket/file", put(upload))
        .with_state(Arc::clone(&shared));
    tokio::spawn(serve(listener, router, std::future::pending()));
    shared
}

async fn create(State(server): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let mut server = server.lock().unwrap();
    server.asked = Some(serde_json::from_slice(&body).unwrap());
    server.key = Some(headers[header::AUTHORIZATION].to_str().unwrap().to_owned());
    if let Some((status, problem)) = &server.refusal {
        return (*status, [(header::CONTENT_TYPE, "application/problem+json")], problem.to_string())
            .into_response();
    }
    let upload = json!({"method": "PUT", "url": format!("{}/bucket/file?sig=1", server.url), "headers": {"content-type": "text/csv"}});
    (StatusCode::CREATED, json!({"id": "i-1", "status": "awaiting_upload", "upload": upload}).to_string())
        .into_response()
}

async fn upload(State(server): State<Shared>, headers: HeaderMap, body: Bytes) {
    server.lock().unwrap().uploaded = Some((headers, body));
}

async fn follow(State(server): State<Shared>) -> String {
    let mut server = server.lock().unwrap();
    let state = server.states[server.looks].to_string();
    server.looks += 1;
    state
}

#[derive(Default, Clone)]
struct Seen(Arc<Mutex<Vec<(u64, f64)>>>);

impl ImportProgress for Seen {
    fn uploaded(&mut self, bytes: u64, _total: u64) {
        self.0.lock().unwrap().push((bytes, 0.0));
    }

    fn imported(&mut self, fraction: f64) {
        self.0.lock().unwrap().push((0, fraction));
    }
}

fn file(content: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leads.csv");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn request() -> ImportRequest {
    let mapping = [("E-Mail".to_owned(), Some("email".to_owned())), ("Internal".to_owned(), None)];
    ImportRequest { mode: "upsert", mapping: mapping.into(), dry_run: false, lists: Vec::new() }
}

async fn run(url: &str, path: &Path, seen: &Seen) -> Result<Finished, String> {
    let (url, path, seen) = (url.to_owned(), path.to_owned(), seen.clone());
    let api = move || import(&Api::new(&url, "a-key".into()), &path, &request(), seen);
    tokio::task::spawn_blocking(api).await.unwrap().map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_announced_uploaded_and_followed_to_its_counts() {
    let (_folder, path) = file("E-Mail,Internal\na@example.com,x\n");
    let rows = json!({"total": 3, "created": 1, "updated": 0, "unchanged": 1, "invalid": 1, "duplicate": 0, "suppressed": 0, "skipped": 0});
    let server = start(Server {
        states: vec![
            json!({"status": "planning", "progress": 0.0, "rows": {"total": null}, "errors_url": null}),
            json!({"status": "done", "progress": 1.0, "rows": rows, "errors_url": "http://files/errors", "warnings": 2, "warnings_url": "http://files/warnings"}),
        ],
        ..Server::default()
    })
    .await;
    let url = server.lock().unwrap().url.clone();
    let seen = Seen::default();
    let finished = run(&format!("{url}/"), &path, &seen).await.unwrap();
    assert_eq!(finished.rows.invalid, 1);
    assert_eq!(
        finished.to_string(),
        "imported leads.csv: 3 rows, 1 created, 0 updated, 1 unchanged, 1 invalid, 0 duplicate, \
         0 suppressed; 2 warnings: http://files/warnings; error report: http://files/errors"
    );
    let server = server.lock().unwrap();
    let asked =
        json!({"filename": "leads.csv", "mode": "upsert", "mapping": {"E-Mail": "email", "Internal": null}});
    assert_eq!(server.asked.as_ref(), Some(&asked));
    assert_eq!(server.key.as_deref(), Some("Bearer a-key"));
    let (headers, body) = server.uploaded.as_ref().unwrap();
    assert_eq!(body.as_ref(), std::fs::read(&path).unwrap());
    assert_eq!(
        (&headers["content-type"], &headers["content-length"]),
        (&"text/csv".parse().unwrap(), &32.into())
    );
    assert!(!headers.contains_key("transfer-encoding") && !headers.contains_key("authorization"));
    let seen = seen.0.lock().unwrap();
    assert!(seen.contains(&(32, 0.0)) && seen.contains(&(0, 1.0)), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_in_the_words_of_the_server() {
    let (_folder, path) = file("E-Mail\n");
    let problem = json!({"title": "Invalid", "status": 422, "detail": "the mapping is wrong",
        "errors": [{"pointer": "/mapping/E-Mail", "code": "x", "detail": "no such field"}]});
    let server =
        start(Server { refusal: Some((StatusCode::UNPROCESSABLE_ENTITY, problem)), ..Server::default() })
            .await;
    let url = server.lock().unwrap().url.clone();
    let error = run(&url, &path, &Seen::default()).await.unwrap_err();
    assert_eq!(error, "the mapping is wrong\n  /mapping/E-Mail: no such field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_import_says_why() {
    let (_folder, path) = file("Name\n");
    let failed = json!({"status": "failed", "error": {"code": "no_email_column", "detail": "no column is the address"}});
    let server = start(Server { states: vec![failed], ..Server::default() }).await;
    let url = server.lock().unwrap().url.clone();
    let error = run(&url, &path, &Seen::default()).await.unwrap_err();
    assert_eq!(error, "import i-1 failed: no column is the address");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_uploaded_too() {
    let (_folder, path) = file("");
    let server = start(Server { states: vec![json!({"status": "done"})], ..Server::default() }).await;
    let url = server.lock().unwrap().url.clone();
    run(&url, &path, &Seen::default()).await.unwrap();
    assert_eq!(server.lock().unwrap().uploaded.as_ref().unwrap().1.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_reached_and_what_cannot_be_read_are_named() {
    let (folder, path) = file("Email\n");
    let free = listen("127.0.0.1:0".parse().unwrap()).unwrap().local_addr().unwrap();
    let error = run(&format!("http://{free}"), &path, &Seen::default()).await.unwrap_err();
    assert!(error.starts_with(&format!("cannot reach http://{free}/api/v1/imports: ")), "{error}");
    for missing in [folder.path().join("none.csv"), folder.path().to_owned()] {
        let error = run(&format!("http://{free}"), &missing, &Seen::default()).await.unwrap_err();
        assert!(error.starts_with(&format!("cannot read `{}`: ", missing.display())), "{error}");
    }
}
