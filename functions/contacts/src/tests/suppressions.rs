//! Addresses that were suppressed from outside, and what lifts that.

use model::{Email, Suppression, SuppressionReason};
use store::ContactStore;
use store::testing::CallFaults;

use super::*;

async fn suppress(client: &Client, items: Value) -> Reply {
    client.json(Method::POST, "/api/v1/suppressions", json!({"suppressions": items})).await
}

async fn suppression(client: &Client, email: &str) -> Reply {
    client.call(Method::GET, &format!("/api/v1/suppressions/{email}")).await
}

#[tokio::test]
async fn each_reason_is_remembered_and_holds_when_the_address_comes() {
    let client = client().await;
    for (reason, status) in [
        ("unsubscribed", "unsubscribed"),
        ("hard_bounce", "bounced"),
        ("complaint", "unsubscribed"),
        ("manual", "unsubscribed"),
    ] {
        let email = format!("{reason}@example.com");
        let told = suppress(&client, json!([{"email": email, "reason": reason, "source": "old tool"}])).await;
        assert_eq!((told.status, &told.json["results"][0]["status"]), (200, &json!(201)), "{}", told.json);
        let shown = suppression(&client, &email).await.json;
        assert_eq!((&shown["reason"], &shown["status"]), (&json!(reason), &json!(status)));
        assert_eq!((&shown["source"], &shown["contact_id"]), (&json!("old tool"), &Value::Null));
        let born = create(&client, json!({"email": email, "status": "active"})).await;
        assert_eq!((born.status, &born.json["status"]), (201, &json!(status)));
        let held = suppression(&client, &email).await.json;
        assert_eq!((&held["contact_id"], &held["reason"]), (&born.json["id"], &json!(reason)));
        client.call(Method::DELETE, &format!("/api/v1/contacts/{email}")).await;
        let left = suppression(&client, &email).await.json;
        assert_eq!((&left["reason"], &left["source"]), (&json!(reason), &json!("old tool")));
        create(&client, json!({"email": email, "consent": consent()})).await;
        assert_eq!(suppression(&client, &email).await.status, 404);
    }
    assert_eq!(suppression(&client, "nobody@example.com").await.code(), "suppression_not_found");
}

#[tokio::test]
async fn a_contact_at_a_suppressed_address_is_changed_and_an_active_one_is_none() {
    let client = client().await;
    create(&client, json!({"email": "a@example.com"})).await;
    create(&client, json!({"email": "b@example.com", "status": "bounced"})).await;
    assert_eq!(suppression(&client, "a@example.com").await.status, 404);
    let items = json!([
        {"email": "A@example.com", "reason": "hard_bounce"},
        {"email": "b@example.com"},
        {"email": "a@example.com", "reason": "erased"},
        {"email": "nobody"},
        {"email": "c@example.com", "reason": "bored"},
        {"email": "c@example.com", "note": 1},
        {"email": "c@example.com"},
    ]);
    let told = suppress(&client, items).await.json;
    let results = told["results"].as_array().unwrap();
    let statuses: Vec<u64> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 200, 409, 422, 422, 422, 201]);
    assert_eq!(results[3]["error"]["errors"][0]["pointer"], "/email");
    assert_eq!((&told["suppressed"], &told["unchanged"], &told["failed"]), (&json!(2), &json!(1), &json!(4)));
    assert_eq!(get(&client, "a@example.com").await.json["status"], "bounced");
}

#[tokio::test]
async fn the_address_of_an_erased_person_is_refused_by_every_way() {
    let client = client().await;
    suppress(&client, json!([{"email": "gone@example.com", "reason": "complaint", "source": "crm"}])).await;
    suppress(&client, json!([{"email": "gone@example.com", "reason": "erased", "source": "letter"}])).await;
    // The first word stands, but not against an erasure; and nothing goes beyond that.
    suppress(&client, json!([{"email": "gone@example.com", "reason": "manual"}])).await;
    let shown = suppression(&client, "gone@example.com").await.json;
    assert_eq!((&shown["reason"], &shown["source"]), (&json!("erased"), &Value::Null));
    let body = json!({"email": "Gone@Example.com", "status": "active"});
    for refused in [
        create(&client, body.clone()).await,
        client.json(Method::PUT, "/api/v1/contacts", body.clone()).await,
    ] {
        assert_eq!((refused.status, refused.code()), (422, "suppressed_erased"));
        assert_eq!(pointers(&refused), [("/email".to_owned(), "suppressed_erased".to_owned())]);
    }
    let batch = json!({"contacts": [body]});
    let batch = client.json(Method::POST, "/api/v1/contacts/batch", batch).await;
    assert_eq!(batch.json["results"][0]["error"]["code"], "suppressed_erased");
    create(&client, json!({"email": "a@example.com"})).await;
    let moved = patch(&client, "a@example.com", json!({"email": "gone@example.com"})).await;
    assert_eq!((moved.status, moved.code()), (422, "suppressed_erased"));
    let back = json!({"email": "gone@example.com", "status": "active", "consent": consent()});
    let back = create(&client, back).await;
    assert_eq!((back.status, &back.json["status"]), (201, &json!("active")));
    assert_eq!(suppression(&client, "gone@example.com").await.status, 404);
    let id = back.json["id"].as_str().unwrap();
    let log = client.call(Method::GET, &format!("/api/v1/contacts/{id}/consents")).await.json;
    assert_eq!(log["items"][0]["method"], "double_opt_in");
}

#[tokio::test]
async fn the_key_of_another_tenant_neither_sees_nor_lifts_a_suppression() {
    let store = MemoryStore::default();
    let (mine, other) = (client_of(&store).await, client_of(&store).await);
    suppress(&mine, json!([{"email": "a@example.com"}])).await;
    create(&mine, json!({"email": "b@example.com", "status": "unsubscribed"})).await;
    assert_eq!(suppression(&other, "a@example.com").await.status, 404);
    for email in ["a@example.com", "b@example.com"] {
        let theirs = create(&other, json!({"email": email, "consent": consent()})).await;
        assert_eq!((theirs.status, &theirs.json["status"]), (201, &json!("active")));
        other.call(Method::DELETE, &format!("/api/v1/contacts/{email}")).await;
    }
    assert_eq!(suppression(&mine, "a@example.com").await.json["reason"], "manual");
    assert_eq!(get(&mine, "b@example.com").await.json["status"], "unsubscribed");
    assert_eq!(create(&mine, json!({"email": "a@example.com"})).await.json["status"], "unsubscribed");
}

#[tokio::test]
async fn suppressions_are_listed_page_by_page_and_contacts_are_not_among_them() {
    let store = MemoryStore::default();
    let (client, other) = (client_of(&store).await, client_of(&store).await);
    create(&client, json!({"email": "held@example.com", "status": "unsubscribed"})).await;
    create(&client, json!({"email": "gone@example.com"})).await;
    client.call(Method::DELETE, "/api/v1/contacts/gone@example.com?erase=true").await;
    suppress(&client, json!([{"email": "a@example.com", "source": "crm"}, {"email": "b@example.com"}])).await;
    let first = client.call(Method::GET, "/api/v1/suppressions?limit=2").await.json;
    let item = &first["items"][0];
    assert_eq!((&item["email"], &item["source"]), (&json!("a@example.com"), &json!("crm")));
    assert!(item["since"].is_string() && item["contact_id"].is_null(), "{item}");
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/api/v1/suppressions?limit=2&cursor={cursor}");
    let last = client.call(Method::GET, &path).await.json;
    assert_eq!(last["items"].as_array().unwrap().len(), 1);
    assert_eq!((&last["items"][0]["email"], &last["items"][0]["reason"]), (&Value::Null, &json!("erased")));
    assert_eq!(last["next_cursor"], Value::Null);
    assert_eq!(other.call(Method::GET, &path).await.code(), "invalid_cursor");
    assert_eq!(other.call(Method::GET, "/api/v1/suppressions").await.json["items"], json!([]));
    assert_eq!(client.call(Method::GET, "/api/v1/suppressions?limit=0").await.code(), "invalid_limit");
}

#[tokio::test]
async fn the_consent_log_is_only_ever_added_to() {
    let client = client().await;
    let created = create(&client, json!({"email": "a@example.com", "consent": consent()})).await;
    let later = json!({"source":"fair","method":"paper","captured_at":"2026-11-21T08:00:00Z","text":"Yes."});
    for consent in [later, consent()] {
        patch(&client, "a@example.com", json!({"consent": consent})).await;
    }
    let id = created.json["id"].as_str().unwrap();
    let log = client.call(Method::GET, &format!("/api/v1/contacts/{id}/consents")).await;
    let sources: Vec<&str> =
        log.json["items"].as_array().unwrap().iter().map(|item| item["source"].as_str().unwrap()).collect();
    assert_eq!(sources, ["form", "fair"]);
    let unknown = client.call(Method::GET, "/api/v1/contacts/nobody@example.com/consents").await;
    assert_eq!(unknown.code(), "contact_not_found");
}

/// One call of the store tells of contact and suppression, and the write's own condition of both.
#[tokio::test]
async fn a_write_reads_an_address_once_for_contact_and_suppression() {
    let store = MemoryStore::default();
    let tenant = stored_tenant(&store).await;
    let email = Email::parse("a@example.com").unwrap();
    let reason = SuppressionReason::Erased;
    let since = chrono::DateTime::from_timestamp_millis(1_795_000_000_123).unwrap();
    let erased = Suppression { reason, since, source: None };
    store.suppress(&tenant, &email, &erased, None).await.unwrap();
    let calls = CallFaults::none();
    let app = App::new(store.failing(calls.clone()), Clock::default());
    let client = Client::new(all_routes(&app).into_router(&app), &store, &tenant, &["*"]).await;
    create(&client, json!({"email": "b@example.com"})).await;
    let before = calls.calls();
    assert_eq!(create(&client, json!({"email": "a@example.com"})).await.code(), "suppressed_erased");
    // The fields, and the one write that finds out.
    assert_eq!(calls.calls() - before, 2);
}
