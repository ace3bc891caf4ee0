//! Whoever had everything erased is gone, and stays away.

use super::*;

async fn erase(client: &Client, id: &str) -> Reply {
    client.call(Method::DELETE, &format!("/api/v1/contacts/{id}?erase=true")).await
}

#[tokio::test]
async fn an_erased_contact_is_gone_with_its_log_and_refused_by_every_way() {
    let client = client().await;
    let body = json!({"email": "jane@example.com", "first_name": "Jane", "consent": consent()});
    let created = create(&client, body.clone()).await;
    let id = created.json["id"].as_str().unwrap();
    assert_eq!(erase(&client, id).await.status, 204);
    for path in [id, "jane@example.com"] {
        assert_eq!(get(&client, path).await.code(), "contact_not_found");
        assert_eq!(get(&client, &format!("{path}/consents")).await.code(), "contact_not_found");
        assert_eq!(erase(&client, path).await.code(), "contact_not_found");
    }
    let shown = client.call(Method::GET, "/api/v1/suppressions/jane@example.com").await.json;
    assert_eq!((&shown["reason"], &shown["source"]), (&json!("erased"), &Value::Null));

    let body = json!({"email": "Jane@Example.com", "status": "active"});
    assert_eq!(create(&client, body.clone()).await.code(), "suppressed_erased");
    let upserted = client.json(Method::PUT, "/api/v1/contacts", body.clone()).await;
    assert_eq!(upserted.code(), "suppressed_erased");
    let batch = client.json(Method::POST, "/api/v1/contacts/batch", json!({"contacts": [body]})).await;
    assert_eq!(batch.json["results"][0]["error"]["code"], "suppressed_erased");
    create(&client, json!({"email": "a@example.com"})).await;
    let moved = patch(&client, "a@example.com", json!({"email": "jane@example.com"})).await;
    assert_eq!(moved.code(), "suppressed_erased");

    let back = create(&client, json!({"email": "jane@example.com", "consent": consent()})).await;
    assert_eq!((back.status, &back.json["first_name"]), (201, &Value::Null));
    assert_ne!(back.json["id"], created.json["id"]);
}

#[tokio::test]
async fn an_erasure_keeps_to_its_conditions_and_to_its_tenant() {
    let store = MemoryStore::default();
    let (mine, other) = (client_of(&store).await, client_of(&store).await);
    let created = create(&mine, json!({"email": "jane@example.com", "consent": consent()})).await;
    let id = created.json["id"].as_str().unwrap();
    patch(&mine, id, json!({"company": "Acme"})).await;
    for path in [id, "jane@example.com"] {
        assert_eq!(erase(&other, path).await.code(), "contact_not_found");
    }
    let stale = [("if-match", created.header("etag"))];
    let path = format!("/api/v1/contacts/{id}?erase=true");
    let refused = mine.send(Method::DELETE, &path, &stale, axum::body::Body::empty()).await;
    assert_eq!(refused.code(), "precondition_failed");
    let log = get(&mine, &format!("{id}/consents")).await.json;
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
}

/// Asked for as a mere suppression, what is held on the person would stay.
#[tokio::test]
async fn a_suppression_as_erased_of_a_contact_says_how_to_erase_it() {
    let client = client().await;
    create(&client, json!({"email": "jane@example.com"})).await;
    let items = json!({"suppressions": [{"email": "jane@example.com", "reason": "erased"}]});
    let told = client.json(Method::POST, "/api/v1/suppressions", items).await.json;
    let error = &told["results"][0]["error"];
    assert_eq!(error["code"], "contact_exists");
    assert!(error["detail"].as_str().unwrap().contains("erase=true"), "{error}");
}
