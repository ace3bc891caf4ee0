//! Segments whose transitions are told, and lists that are made again.

use api::App;
use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use store::testing::{CallFaults, Moment};
use store::{Clock, TimedTask, TimerStore};

use super::{Ground, NOW, ground};

/// Gives the tasks that the clock has within a day; the clock of the app runs on from `NOW`.
async fn due(ground: &Ground) -> Vec<TimedTask> {
    let due = ground.store.due_timers("2026-11-24T12:00:00Z".parse().unwrap()).await.unwrap();
    due.into_iter().map(|timer| timer.task).collect()
}

#[tokio::test]
async fn a_segment_that_is_watched_is_seen_to_at_once() {
    let ground = ground(0).await;
    let made = ground.post("", json!({"name": "Rich", "query": "budget:>3"})).await;
    assert_eq!((made.status, &made.json["events"]), (201, &json!(false)));
    assert_eq!(due(&ground).await, []);
    let path = format!("/api/v1/lists/{}", made.json["id"].as_str().unwrap());
    let patched = ground.client.json(Method::PATCH, &path, json!({"events": true})).await;
    assert_eq!((patched.status, &patched.json["events"]), (200, &json!(true)));
    assert_eq!(due(&ground).await, [TimedTask::Segments]);
}

#[tokio::test]
async fn only_a_segment_is_watched_and_only_so_many() {
    let ground = ground(0).await;
    let reply = ground.post("", json!({"name": "VIP", "type": "static", "events": true})).await;
    assert_eq!((reply.status, &reply.json["errors"][0]["pointer"]), (422, &json!("/events")));
    let reply = ground.post("", json!({"name": "VIP", "query": "budget:>3", "events": "yes"})).await;
    assert_eq!((reply.status, &reply.json["errors"][0]["code"]), (422, &json!("wrong_type")));
    for n in 0..model::MAX_WATCHED_SEGMENTS {
        let body = json!({"name": format!("S{n}"), "query": "budget:>3", "events": true});
        assert_eq!(ground.post("", body).await.status, 201);
    }
    let reply = ground.post("", json!({"name": "More", "query": "budget:>3", "events": true})).await;
    assert_eq!((reply.status, &reply.json["errors"][0]["code"]), (422, &json!("too_many_watched")));
}

/// Whatever call it died at, and whether that took effect.
#[tokio::test]
async fn a_list_that_was_made_by_a_request_that_died_is_its_own_when_it_is_sent_again() {
    for at in 0..16 {
        for moment in [Moment::Before, Moment::After] {
            let ground = ground(0).await;
            let app = App::new(
                ground.store.failing(CallFaults::crash(at, moment)),
                Clock::starting_at(NOW.parse().unwrap()),
            );
            let dying = ground.client.through(crate::routes(&app).into_router(&app));
            let body: Value = json!({"name": "Rich", "query": "budget:>3", "events": true});
            let send = async |client: &api::testing::Client| {
                let headers = [("idempotency-key", "k1")];
                client.send(Method::POST, "/api/v1/lists", &headers, Body::from(body.to_string())).await
            };
            let first = send(&dying).await;
            let mut reply = send(&ground.client).await;
            if reply.code() == "in_progress" {
                ground.store.expire_requests();
                reply = send(&ground.client).await;
            }
            assert_eq!(reply.status, 201, "call {at} {moment:?}: {}", reply.json);
            assert!(first.status != 201 || first.json["id"] == reply.json["id"], "call {at} {moment:?}");
            let listed = ground.get("").await;
            assert_eq!(listed.json["items"].as_array().unwrap().len(), 1, "call {at} {moment:?}");
            assert_eq!(due(&ground).await, [TimedTask::Segments], "call {at} {moment:?}");
        }
    }
}
