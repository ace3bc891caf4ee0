use api::App;
use api::testing::{Client, Reply};
use axum::http::Method;
use serde_json::{Value, json};
use store::testing::{MemoryQueue, MemoryStore, stored_tenant};
use store::{Clock, KeyHash, TenantStore};

use crate::Deps;

const OPERATOR: &str = "the-operators-key";

async fn post(store: &MemoryStore, operator: Option<&str>, key: &str, body: Value) -> Reply {
    let app = App::new(store.clone(), Clock::default());
    let deps = Deps {
        app: app.clone(),
        queue: MemoryQueue::default(),
        fields_known_after: std::time::Duration::ZERO,
    };
    let router = crate::routes(&deps, operator.map(KeyHash::of)).into_router(&app);
    let client = Client::new(router, store, &stored_tenant(store).await, &["*"]).await;
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    client.send(Method::POST, "/api/v1/admin/tenants", &headers, body.to_string().into()).await
}

#[tokio::test]
async fn the_operator_makes_a_tenant_and_its_key_works() {
    let store = MemoryStore::default();
    let made = post(&store, Some(OPERATOR), OPERATOR, json!({"name": " Acme, Inc. "})).await;
    assert_eq!(made.status, 201, "{}", made.json);
    assert_eq!((&made.json["name"], &made.json["slug"]), (&json!("Acme, Inc."), &json!("acme-inc")));
    let key = made.json["api_key"].as_str().unwrap();
    let stored = store.api_key(KeyHash::of(key)).await.unwrap().unwrap();
    assert_eq!(json!(stored.tenant), made.json["id"]);
    assert!(stored.scopes.contains("*"));
}

#[tokio::test]
async fn tenants_of_one_name_get_slugs_of_their_own() {
    let store = MemoryStore::default();
    let mut slugs = Vec::new();
    for name in ["Acme", "Acme", "ACME!", "会社"] {
        let made = post(&store, Some(OPERATOR), OPERATOR, json!({"name": name})).await;
        slugs.push(made.json["slug"].as_str().unwrap().to_owned());
    }
    assert_eq!(slugs[..3], ["acme", "acme-2", "acme-3"]);
    assert!(slugs[3].starts_with("tenant-"));
}

#[tokio::test]
async fn nobody_but_the_operator_makes_tenants() {
    let store = MemoryStore::default();
    for (operator, key) in [(Some(OPERATOR), "other"), (Some(OPERATOR), ""), (None, OPERATOR), (None, "")] {
        let refused = post(&store, operator, key, json!({"name": "Acme"})).await;
        assert_eq!((refused.status, refused.code()), (401, "unauthorized"));
    }
}

#[tokio::test]
async fn a_tenant_needs_a_name() {
    let store = MemoryStore::default();
    for (body, code) in [
        (json!({}), "required"),
        (json!({"name": " "}), "invalid_name"),
        (json!({"name": "x".repeat(201)}), "invalid_name"),
        (json!({"name": "Acme", "slug": "acme"}), "unknown_member"),
    ] {
        let refused = post(&store, Some(OPERATOR), OPERATOR, body).await;
        assert_eq!((refused.status, refused.code()), (422, code));
    }
}
