//! Contacts, one by one and in batches, over HTTP and the real engine.

use serde_json::{Value, json};

use crate::client::until;
use crate::product::Product;

#[test]
fn a_contact_lives_and_dies() {
    let client = Product::get().client();
    let created = client.post(
        "/api/v1/contacts",
        &json!({"email": "Jane@Example.com", "first_name": "Jane", "attributes": {"Budget": 120000}}),
    );
    assert_eq!(created.status, 201, "{}", created.json);
    let id = created.json["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/contacts/{id}");
    for path in [path.as_str(), "/api/v1/contacts/jane%40example.com", "/api/v1/contacts/jane@example.com"] {
        assert_eq!(client.get(path).json, created.json, "{path}");
    }
    let etag = created.headers["etag"].to_str().expect("text").to_owned();
    let patched = client.send("PATCH", &path, &[("if-match", &etag)], br#"{"company":"Acme"}"#.to_vec());
    assert_eq!((patched.status, &patched.json["version"]), (200, &json!(2)));
    let stale = client.send("PATCH", &path, &[("if-match", &etag)], br#"{"company":"Other"}"#.to_vec());
    assert_eq!((stale.status, &stale.json["code"]), (412, &json!("precondition_failed")));
    let moved = client.patch(&path, &json!({"email": "jane.doe@example.com"}));
    assert_eq!((moved.status, &moved.json["id"]), (200, &json!(id)));
    assert_eq!(client.get("/api/v1/contacts/jane@example.com").status, 404);
    let upserted = client
        .put("/api/v1/contacts", &json!({"email": "jane.doe@example.com", "attributes": {"vip": true}}));
    assert_eq!(upserted.json["attributes"], json!({"budget": 120000, "vip": true}));
    assert_eq!(client.delete(&path).status, 204);
    assert_eq!(client.get(&path).status, 404);
    assert_eq!(client.delete(&path).status, 404);
}

#[test]
fn a_batch_of_a_thousand_is_listed_whole() {
    let client = Product::get().client();
    let contacts: Vec<Value> = (0..1_000)
        .map(|n| json!({"email": format!("person-{n}@example.com"), "attributes": {"number": n}}))
        .collect();
    let batch = client.post("/api/v1/contacts/batch", &json!({"contacts": contacts}));
    assert_eq!((batch.status, &batch.json["created"]), (200, &json!(1_000)), "{}", batch.json["failed"]);
    let all = client.all_contacts();
    assert_eq!(all.len(), 1_000);
    assert!(all.iter().all(|contact| contact["attributes"]["number"].is_number()));
}

#[test]
fn a_repeated_request_is_done_once() {
    let client = Product::get().client();
    let send = || {
        let body = br#"{"email":"jane@example.com"}"#.to_vec();
        client.send("POST", "/api/v1/contacts", &[("idempotency-key", "once")], body)
    };
    let (first, again) = (send(), send());
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.json, again.json);
    assert_eq!(client.all_contacts().len(), 1);
}

#[test]
fn a_deleted_unsubscribe_stays_one() {
    let client = Product::get().client();
    client.post("/api/v1/contacts", &json!({"email": "gone@example.com", "status": "unsubscribed"}));
    client.delete("/api/v1/contacts/gone@example.com");
    let back = client.post("/api/v1/contacts", &json!({"email": "gone@example.com", "status": "active"}));
    assert_eq!((back.status, &back.json["status"]), (201, &json!("unsubscribed")));
    let refused = client.patch("/api/v1/contacts/gone@example.com", &json!({"status": "active"}));
    assert_eq!((refused.status, &refused.json["code"]), (422, &json!("consent_required")));
}

#[test]
fn an_erased_person_is_gone_and_stays_away() {
    let client = Product::get().client();
    let consent =
        json!({"source": "form", "method": "paper", "captured_at": "2026-11-20T08:00:00Z", "text": "Yes."});
    let body = json!({"email": "jane@example.com", "first_name": "Jane", "consent": consent});
    let id = client.post("/api/v1/contacts", &body).json["id"].as_str().expect("an id").to_owned();
    let until_found = |expected: u64| {
        let count = || client.get("/api/v1/contacts/count?query=first_name%3AJane").json["count"].clone();
        until(|| (count() == expected).then_some(()));
    };
    until_found(1);
    assert_eq!(client.delete(&format!("/api/v1/contacts/{id}?erase=true")).status, 204);
    until_found(0);
    for path in [format!("/api/v1/contacts/{id}"), "/api/v1/contacts/jane@example.com/consents".to_owned()] {
        assert_eq!(client.get(&path).status, 404, "{path}");
    }
    let refused = client.post("/api/v1/contacts", &json!({"email": "Jane@example.com"}));
    assert_eq!((refused.status, &refused.json["code"]), (422, &json!("suppressed_erased")));
    let import =
        client.import(&json!({"filename": "leads.csv"}), b"email,first_name\njane@example.com,Jane\n");
    assert_eq!(import["rows"]["suppressed"], 1);
    assert_eq!(client.all_contacts(), Vec::<Value>::new());
    let back = client.post("/api/v1/contacts", &json!({"email": "jane@example.com", "consent": consent}));
    assert_eq!((back.status, &back.json["first_name"]), (201, &Value::Null));
}
