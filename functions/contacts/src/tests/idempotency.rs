use axum::body::Body;
use store::testing::{CallFaults, Moment};

use super::*;

async fn post(client: &Client, path: &str, key: &str, body: &Value) -> Reply {
    client.send(Method::POST, path, &[("idempotency-key", key)], Body::from(body.to_string())).await
}

#[tokio::test]
async fn the_same_request_under_one_key_creates_once() {
    let client = client().await;
    let body = json!({"email": "a@example.com", "first_name": "A"});
    let first = post(&client, "/api/v1/contacts", "k1", &body).await;
    let again = post(&client, "/api/v1/contacts", "k1", &body).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.json, again.json);
    assert_eq!(first.header("location"), again.header("location"));
    let other_body = post(&client, "/api/v1/contacts", "k1", &json!({"email": "b@example.com"})).await;
    assert_eq!((other_body.status, other_body.code()), (422, "idempotency_key_reused"));
    let other_key = post(&client, "/api/v1/contacts", "k2", &body).await;
    assert_eq!((other_key.status, other_key.code()), (409, "contact_exists"));
    let refused_again = post(&client, "/api/v1/contacts", "k2", &body).await;
    assert_eq!((refused_again.status, refused_again.code()), (409, "contact_exists"));
    assert_eq!(refused_again.json["id"], first.json["id"]);
    let blank = post(&client, "/api/v1/contacts", "", &body).await;
    assert_eq!((blank.status, blank.code()), (400, "malformed_request"));
}

#[tokio::test]
async fn a_repeated_batch_answers_the_same_and_applies_nothing() {
    let client = client().await;
    let body = json!({"contacts": [{"email": "a@example.com", "company": "A"}, {"email": "nobody"}]});
    let first = post(&client, "/api/v1/contacts/batch", "k1", &body).await;
    patch(&client, "a@example.com", json!({"company": "B"})).await;
    let again = post(&client, "/api/v1/contacts/batch", "k1", &body).await;
    for name in ["created", "updated", "unchanged", "failed"] {
        assert_eq!(first.json[name], again.json[name], "{name}");
    }
    assert_eq!(first.json["results"][0], again.json["results"][0]);
    assert_eq!(again.json["results"][1]["error"]["code"], "invalid_email");
    assert_eq!(get(&client, "a@example.com").await.json["company"], "B");
}

/// A run that dies after any call, and is sent again once its key is free, ends as if nothing
/// had happened.
#[tokio::test]
async fn a_request_that_died_anywhere_is_done_once_when_it_is_sent_again() {
    let body = json!({"email": "a@example.com", "attributes": {"n": 1}, "consent": consent()});
    for at in 0..12 {
        for moment in [Moment::Before, Moment::After] {
            let store = MemoryStore::default();
            let healthy = client_of(&store).await;

            let dying = dying(&store, &healthy, at, moment).await;
            post(&dying, "/api/v1/contacts", "k1", &body).await;
            let mut reply = post(&healthy, "/api/v1/contacts", "k1", &body).await;
            if reply.code() == "in_progress" {
                store.expire_requests();
                reply = post(&healthy, "/api/v1/contacts", "k1", &body).await;
            }
            assert_eq!(reply.status, 201, "call {at} {moment:?}: {}", reply.json);
            let page = healthy.call(Method::GET, "/api/v1/contacts").await;
            assert_eq!(page.json["items"].as_array().unwrap().len(), 1, "call {at} {moment:?}");
        }
    }
}

/// Gives a client of the same store and key whose process dies at a call.
async fn dying(store: &MemoryStore, healthy: &Client, at: usize, moment: Moment) -> Client {
    let app = App::new(store.failing(CallFaults::crash(at, moment)), Clock::default());
    healthy.through(all_routes(&app).into_router(&app))
}
