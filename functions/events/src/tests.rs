use api::App;
use api::testing::{Client, Reply};
use axum::http::Method;
use serde_json::{Value, json};
use store::Clock;
use store::testing::{MemoryBus, MemoryStore, stored_tenant};

use crate::Deps;

async fn world() -> (Client, MemoryBus, model::Tenant) {
    let store = MemoryStore::default();
    let tenant = stored_tenant(&store).await;
    let deps = Deps { app: App::new(store.clone(), Clock::default()), bus: MemoryBus::default() };
    let router = crate::routes(&deps).into_router(&deps.app);
    (Client::new(router, &store, &tenant, &["events:write"]).await, deps.bus, tenant)
}

fn event(id: &str) -> Value {
    json!({
        "id": id, "type": "email.opened", "contact": {"email": "Jane@Example.com"},
        "occurred_at": "2026-11-20T08:00:00.123Z", "properties": {"campaign": "spring"},
    })
}

async fn post(client: &Client, body: Value) -> Reply {
    client.json(Method::POST, "/api/v1/events", body).await
}

#[tokio::test]
async fn events_go_on_the_bus_under_the_tenant_of_the_key() {
    let (client, bus, tenant) = world().await;
    let reply = post(&client, json!({"events": [event("e1"), event("e2")]})).await;
    assert_eq!((reply.status, reply.json), (202, json!({"accepted": 2, "rejected": []})));
    let taken = bus.take();
    assert!(taken.iter().all(|(id, _)| *id == tenant.id));
    let ids: Vec<&str> = taken.iter().map(|(_, event)| event.id.as_str()).collect();
    assert_eq!((ids, taken[0].1.email.as_str()), (vec!["e1", "e2"], "jane@example.com"));
}

#[tokio::test]
async fn a_bad_event_is_rejected_with_its_faults_and_its_neighbours_are_not() {
    let (client, bus, _) = world().await;
    let mut bad = event("e2");
    bad["contact"]["email"] = json!("jane");
    bad["occurred_at"] = json!("soon");
    let reply = post(&client, json!({"events": [event("e1"), bad, 5, event("refused"), event("e3")]})).await;
    assert_eq!((reply.status, &reply.json["accepted"]), (202, &json!(2)));
    let rejected = reply.json["rejected"].as_array().unwrap();
    let told: Vec<Value> = rejected
        .iter()
        .map(|item| {
            json!([item["index"], item["id"], item["code"], item["errors"].as_array().unwrap().len()])
        })
        .collect();
    let expected = [
        json!([1, "e2", "invalid_event", 2]),
        json!([2, null, "invalid_event", 1]),
        json!([3, "refused", "unavailable", 0]),
    ];
    assert_eq!(told, expected);
    assert_eq!(rejected[0]["errors"][1]["pointer"], "/contact/email");
    assert_eq!(bus.take().len(), 2);
}

#[tokio::test]
async fn a_call_takes_a_thousand_events_and_no_more() {
    let (client, bus, _) = world().await;
    let events =
        |count: usize| json!({"events": (0..count).map(|n| event(&format!("e{n}"))).collect::<Vec<_>>()});
    assert_eq!(post(&client, events(1_000)).await.json["accepted"], 1_000);
    assert_eq!(bus.take().len(), 1_000);
    for (body, pointer, code) in [
        (events(1_001), "/events", "too_many_items"),
        (json!({}), "/events", "required"),
        (json!({"events": {}}), "/events", "wrong_type"),
        (json!({"events": [], "event": 1}), "/event", "unknown_member"),
    ] {
        let reply = post(&client, body).await;
        let fault = &reply.json["errors"][0];
        assert_eq!((reply.status, &fault["pointer"], &fault["code"]), (422, &json!(pointer), &json!(code)));
    }
    assert!(bus.take().is_empty());
}

#[tokio::test]
async fn a_key_needs_the_scope() {
    let store = MemoryStore::default();
    let tenant = stored_tenant(&store).await;
    let deps = Deps { app: App::new(store.clone(), Clock::default()), bus: MemoryBus::default() };
    let router = crate::routes(&deps).into_router(&deps.app);
    let reader = Client::new(router, &store, &tenant, &["contacts:write"]).await;
    let reply = post(&reader, json!({"events": [event("e1")]})).await;
    assert_eq!((reply.status, reply.code(), deps.bus.take().len()), (403, "forbidden", 0));
}
