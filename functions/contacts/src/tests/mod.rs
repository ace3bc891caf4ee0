mod batches;
mod conditions;
mod demands;
mod erasure;
mod idempotency;
mod inputs;
mod scores;
mod suppression;
mod suppressions;

use api::App;
use api::testing::{Client, Reply};
use axum::http::Method;
use serde_json::{Value, json};
use store::Clock;
use store::testing::{MemoryStore, stored_tenant};

/// Calls the contacts of one fresh tenant.
async fn client() -> Client {
    client_of(&MemoryStore::default()).await
}

/// Gives the routes of this function, and those that list contacts.
fn all_routes(app: &App<MemoryStore>) -> api::Routes {
    crate::routes(app).merge(search::routes(app))
}

async fn client_of(store: &MemoryStore) -> Client {
    let tenant = stored_tenant(store).await;
    let app = App::new(store.clone(), Clock::default());
    let router = all_routes(&app).into_router(&app);
    Client::new(router, store, &tenant, &["*"]).await
}

async fn create(client: &Client, body: Value) -> Reply {
    client.json(Method::POST, "/api/v1/contacts", body).await
}

async fn get(client: &Client, id: &str) -> Reply {
    client.call(Method::GET, &format!("/api/v1/contacts/{id}")).await
}

async fn patch(client: &Client, id: &str, body: Value) -> Reply {
    client.json(Method::PATCH, &format!("/api/v1/contacts/{id}"), body).await
}

fn consent() -> Value {
    json!({"source":"form","method":"double_opt_in","captured_at":"2026-11-20T08:00:00Z","text":"Yes."})
}

fn pointers(reply: &Reply) -> Vec<(String, String)> {
    let text = |error: &Value, name: &str| error[name].as_str().unwrap_or_default().to_owned();
    let errors = reply.json["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| (text(error, "pointer"), text(error, "code"))).collect()
}

#[tokio::test]
async fn a_created_contact_is_shown_whole_and_read_back_by_id_and_email() {
    let client = client().await;
    let created = create(
        &client,
        json!({
            "email": " Jane@Example.com", "first_name": "Jane", "company": "Acme", "job_title": "CTO",
            "phone": "+1 415 555 0100", "tags": ["partner"],
            "attributes": {"Industry": "SaaS", "budget": 120000, "subscription_date": "2025-03-01", "vip_status": true},
        }),
    )
    .await;
    assert_eq!(created.status, 201, "{}", created.json);
    let id = created.json["id"].as_str().unwrap();
    assert_eq!(created.header("location"), format!("/api/v1/contacts/{id}"));
    let mut shown = created.json.clone();
    for name in ["id", "created_at", "updated_at"] {
        assert!(shown[name].is_string());
        shown[name] = Value::Null;
    }
    assert_eq!(
        shown,
        json!({
            "id": null, "email": "jane@example.com", "email_display": "Jane@Example.com",
            "first_name": "Jane", "last_name": null, "company": "Acme", "job_title": "CTO",
            "phone": "+1 415 555 0100", "phone_e164": "+14155550100", "status": "active",
            "attributes": {"industry": "SaaS", "budget": 120000, "subscription_date": "2025-03-01", "vip_status": true},
            "tags": ["partner"], "lists": [], "score": 0, "tier": "cold",
            "last_opened_at": null, "last_clicked_at": null, "last_replied_at": null, "last_visited_at": null,
            "opens": 0, "clicks": 0, "replies": 0, "visits": 0,
            "created_at": null, "updated_at": null, "version": 1,
        })
    );
    for name in [id, "jane@example.com", "JANE%40example.com"] {
        let read = get(&client, name).await;
        assert_eq!((read.status, &read.json), (200, &created.json), "{name}");
        assert_eq!(read.header("etag"), created.header("etag"));
    }
    let found = client.call(Method::GET, "/api/v1/contacts?email=jane%40example.com").await;
    assert_eq!(found.json, json!({"items": [created.json], "next_cursor": null}));
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_is_not_built_is_422() {
    let client = client().await;
    for path in [
        "/api/v1/contacts/jane@example.com",
        "/api/v1/contacts/x",
        "/api/v1/contacts/5e1c0f7a-0000-8000-8000-000000000000",
    ] {
        let reply = client.call(Method::GET, path).await;
        assert_eq!((reply.status, reply.code()), (404, "contact_not_found"), "{path}");
    }
    assert_eq!(client.call(Method::GET, "/api/v1/nothing").await.code(), "not_found");
    assert_eq!(client.call(Method::PUT, "/api/v1/contacts/x").await.code(), "method_not_allowed");
    for path in ["/api/v1/contacts/x/export", "/api/v1/exports/1"] {
        let reply = client.call(Method::GET, path).await;
        assert_eq!((reply.status, reply.code()), (422, "not_available"), "{path}");
    }
}

#[tokio::test]
async fn a_key_needs_to_be_known_and_to_have_the_scope() {
    let store = MemoryStore::default();
    let tenant = stored_tenant(&store).await;
    let app = App::new(store.clone(), Clock::default());
    let router = all_routes(&app).into_router(&app);
    let reader = Client::new(router, &store, &tenant, &["contacts:read"]).await;
    assert_eq!(reader.call(Method::GET, "/api/v1/contacts").await.status, 200);
    let refused = create(&reader, json!({"email": "jane@example.com"})).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
    for header in
        [[("authorization", "")], [("authorization", "Bearer nobody")], [("authorization", "Basic none")]]
    {
        for path in ["/api/v1/contacts", "/api/v1/nothing", "/api/v1/contacts/search"] {
            let reply = reader.send(Method::GET, path, &header, axum::body::Body::empty()).await;
            assert_eq!((reply.status, reply.code()), (401, "unauthorized"), "{path}");
            assert_eq!(reply.header("content-type"), "application/problem+json");
            assert_eq!(reply.header("x-request-id"), reply.json["request_id"].as_str().unwrap());
        }
    }
    let by_other_header = [("authorization", ""), ("x-api-key", reader.key())];
    let reply =
        reader.send(Method::GET, "/api/v1/contacts", &by_other_header, axum::body::Body::empty()).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn pages_give_each_contact_once() {
    let client = client().await;
    for n in 0..7 {
        create(&client, json!({"email": format!("person-{n}@example.com")})).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/contacts?limit=3".to_owned();
    loop {
        let page = client.call(Method::GET, &path).await;
        assert_eq!(page.status, 200);
        let items = page.json["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["email"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        path = format!("/api/v1/contacts?limit=3&cursor={cursor}");
    }
    let expected: Vec<String> = (0..7).rev().map(|n| format!("person-{n}@example.com")).collect();
    assert_eq!(seen, expected);
    for (query, code) in [
        ("limit=0", "invalid_limit"),
        ("limit=x", "malformed_request"),
        ("cursor=x", "invalid_cursor"),
        ("foo=1", "malformed_request"),
    ] {
        let reply = client.call(Method::GET, &format!("/api/v1/contacts?{query}")).await;
        assert_eq!((reply.status, reply.code()), (400, code), "{query}");
    }
}
