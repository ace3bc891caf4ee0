use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::{Value, json};
use store::{ObjectStore as _, RowCounts};
use ureq::Agent;

use super::*;

async fn start(options: Options) -> Process {
    Process::start(options).await.unwrap()
}

/// Calls the API from a thread that may block.
async fn call(
    process: &Process,
    method: &'static str,
    path: &str,
    key: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", process.url()))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(body.map(|body| body.to_string()).unwrap_or_default())
        .unwrap();
    tokio::task::spawn_blocking(move || {
        let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut answer = if request.body().is_empty() {
            agent.run(request.map(|_| ())).unwrap()
        } else {
            agent.run(request).unwrap()
        };
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_key_opens_the_api_and_contacts_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options { data: Data::Directory(folder.path().join("data")), ..Options::default() };
    let process = start(options()).await;
    let key = process.api_key().to_owned();
    let jane = json!({"email": "jane@example.com", "first_name": "Jane"});
    let (status, created) = call(&process, "POST", "/api/v1/contacts", &key, Some(jane)).await;
    assert_eq!(status, 201, "{created}");
    let (status, _) = call(&process, "GET", "/api/v1/contacts", "lk_0123456789abcdef", None).await;
    assert_eq!(status, 401);
    let tenant = process.tenant().clone();
    process.stop().await;

    let process = start(options()).await;
    assert_eq!((process.api_key(), process.tenant()), (key.as_str(), &tenant));
    let path = format!("/api/v1/contacts/{}", created["id"].as_str().unwrap());
    let (status, found) = call(&process, "GET", &path, &key, None).await;
    assert_eq!((status, &found["email"]), (200, &json!("jane@example.com")));
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_keys_open_what_they_are_for() {
    let (api_key, admin_key) = ("a-key-of-the-demo-tenant", "a-key-of-the-operator");
    let process = start(Options {
        api_key: Some(api_key.to_owned()),
        admin_key: Some(admin_key.to_owned()),
        ..Options::default()
    })
    .await;
    assert_eq!(process.api_key(), api_key);
    let (status, _) = call(&process, "GET", "/health", api_key, None).await;
    assert_eq!(status, 200);
    let (status, _) = call(&process, "GET", "/api/v1/contacts", api_key, None).await;
    assert_eq!(status, 200);
    let tenant = || Some(json!({"name": "Acme"}));
    let (status, made) = call(&process, "POST", "/api/v1/admin/tenants", admin_key, tenant()).await;
    assert_eq!(status, 201, "{made}");
    let (status, _) = call(&process, "POST", "/api/v1/admin/tenants", api_key, tenant()).await;
    assert!(status == 401 || status == 403, "{status}");
    let theirs = made["api_key"].as_str().unwrap();
    let (status, _) = call(&process, "GET", "/api/v1/contacts", theirs, None).await;
    assert_eq!(status, 200);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_leaves_no_data_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let options = Options { data: Data::Directory(data.clone()), listen: address, ..Options::default() };
    let error = Process::start(options).await.err().unwrap().to_string();
    assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
    assert!(!data.exists());
}

/// Keeps the counts of the sample.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Option<RowCounts>>>);

impl Progress for Seen {
    fn rows(&self, _done: u64, _total: Option<u64>) {}

    fn done(&self, rows: &RowCounts) {
        *self.0.lock().unwrap() = Some(*rows);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_imported_at_the_first_start_only() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        || Options { data: Data::Directory(folder.path().join("data")), sample: true, ..Options::default() };
    let process = start(options()).await;
    let seen = Seen::default();
    process.import_sample(seen.clone()).await.unwrap();
    let rows = RowCounts { created: 58, invalid: 1, duplicate: 1, ..RowCounts::default() };
    assert_eq!(*seen.0.lock().unwrap(), Some(rows));
    let key = process.api_key().to_owned();
    let of = |email: &str| format!("/api/v1/contacts/{}", email.replace('@', "%40"));
    let (status, zoe) = call(&process, "GET", &of("zoe.fontaine@example.net"), &key, None).await;
    assert_eq!((status, &zoe["attributes"]["notes"]), (200, &json!("Two sites:\nLyon and Marseille.")));
    assert_eq!((&zoe["first_name"], &zoe["attributes"]["vip_status"]), (&json!("Zoë"), &json!(false)));
    assert_eq!(zoe["attributes"]["subscription_date"], "2026-06-26");
    let (_, daniel) = call(&process, "GET", &of("daniel.cohen@example.com"), &key, None).await;
    assert_eq!(daniel["status"], "unsubscribed");
    let (_, amelia) = call(&process, "GET", &of("amelia.stone@example.org"), &key, None).await;
    assert_eq!(amelia["job_title"], "Chief Revenue Officer", "the later row of two wins");
    process.stop().await;

    let process = start(options()).await;
    let again = Seen::default();
    process.import_sample(again.clone()).await.unwrap();
    assert_eq!(*again.0.lock().unwrap(), None);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_dropped_into_the_inbox_becomes_contacts() {
    let process = start(Options::default()).await;
    let file = Bytes::from_static(b"Email,First Name\njane@example.com,Jane\n");
    process.data_plane().objects().put("inbox/demo/new leads.csv", "text/csv", file).await.unwrap();
    let destinations = [crate::NOTIFICATIONS, crate::RANGES];
    process.data_plane().mailbox().idle(&destinations).await.unwrap();
    let (status, imports) = call(&process, "GET", "/api/v1/imports", process.api_key(), None).await;
    assert_eq!((status, &imports["items"][0]["status"]), (200, &json!("done")), "{imports}");
    assert_eq!(imports["items"][0]["filename"], "new leads.csv");
    let path = "/api/v1/contacts/jane%40example.com";
    let (status, _) = call(&process, "GET", path, process.api_key(), None).await;
    assert_eq!(status, 200);
    process.stop().await;
}
