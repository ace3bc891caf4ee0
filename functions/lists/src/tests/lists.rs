use axum::body::Body;
use axum::http::Method;
use serde_json::json;

use super::ground;

#[tokio::test]
async fn a_static_list_and_a_segment_are_made_read_and_told_with_their_counts() {
    let ground = ground(5).await;
    let reply = ground.post("", json!({"name": " Friends ", "type": "static"})).await;
    let id = reply.json["id"].as_str().unwrap();
    assert_eq!((reply.status, reply.header("location")), (201, format!("/api/v1/lists/{id}").as_str()));
    let friends = json!({
        "id": id, "name": "Friends", "type": "static", "query": null, "rule": null, "count": 0, "active_count": 0,
    });
    let is_like = |found: &serde_json::Value, expected: &serde_json::Value| {
        let expected = expected.as_object().unwrap();
        assert!(expected.iter().all(|(name, value)| found[name] == *value), "{found}");
    };
    is_like(&reply.json, &friends);
    let segment = json!({"name": "Even", "type": "dynamic", "query": "industry:EVEN budget<4"});
    let reply = ground.post("", segment).await;
    let even = json!({
        "name": "Even", "type": "dynamic", "query": "industry:EVEN AND budget:<4", "count": 2, "active_count": 1,
        "rule": {"all": [
            {"field": "attributes.industry", "op": "is", "value": "EVEN"},
            {"field": "attributes.budget", "op": "lt", "value": 4},
        ]},
    });
    assert_eq!(reply.status, 201);
    is_like(&reply.json, &even);
    let listed = ground.get("").await;
    is_like(&listed.json["items"][0], &friends);
    is_like(&listed.json["items"][1], &even);
    assert_eq!(
        (listed.json["items"].as_array().unwrap().len(), &listed.json["next_cursor"]),
        (2, &json!(null))
    );
    // By id, and by name whatever its case.
    for path in [format!("/{id}"), "/FRIENDS".to_owned()] {
        is_like(&ground.get(&path).await.json, &friends);
    }
    assert_eq!(ground.get("/Even/count").await.json, json!({"count": 2, "active_count": 1}));
}

#[tokio::test]
async fn lists_are_told_page_by_page() {
    let ground = ground(0).await;
    for name in ["a", "b", "c"] {
        ground.made(name, None).await;
    }
    let first = ground.get("?limit=2").await;
    let cursor = first.json["next_cursor"].as_str().unwrap();
    let second = ground.get(&format!("?limit=2&cursor={cursor}")).await;
    assert_eq!((&second.json["items"][0]["name"], &second.json["next_cursor"]), (&json!("c"), &json!(null)));
    for (path, expected) in [("?limit=0", (400, "invalid_limit")), ("?cursor=x", (400, "invalid_cursor"))] {
        let reply = ground.get(path).await;
        assert_eq!((reply.status, reply.code()), expected, "{path}");
    }
}

#[tokio::test]
async fn a_name_is_unique_whatever_its_case_and_kind() {
    let ground = ground(0).await;
    let id = ground.made("VIP", None).await;
    let reply = ground.post("", json!({"name": "vip", "query": "score:>50"})).await;
    assert_eq!((reply.status, reply.code(), &reply.json["id"]), (409, "list_exists", &json!(id)));
    ground.made("Hot", Some("score:>50")).await;
    let reply = ground.patch("/Hot", json!({"name": "ViP"})).await;
    assert_eq!((reply.status, reply.code()), (409, "list_exists"));
    // Another case of its own name is no clash.
    let reply = ground.patch("/vip", json!({"name": "vip"})).await;
    assert_eq!((reply.status, &reply.json["name"]), (200, &json!("vip")));
}

#[tokio::test]
async fn each_fault_of_a_list_has_its_place() {
    let ground = ground(0).await;
    for (body, expected) in [
        (json!({}), (422, "/name", "required")),
        (json!({"name": " "}), (422, "/name", "invalid_name")),
        (json!({"name": 5}), (422, "/name", "wrong_type")),
        (json!({"name": "x".repeat(101), "type": "static"}), (422, "/name", "too_long")),
        (json!({"name": "a"}), (422, "/type", "required")),
        (json!({"name": "a", "type": "other"}), (422, "/type", "invalid_value")),
        (json!({"name": "a", "type": "dynamic"}), (422, "/query", "required")),
        (json!({"name": "a", "type": "static", "query": "a"}), (422, "/type", "conflict")),
        (json!({"name": "a", "query": "a", "rule": {"words": "a"}}), (422, "/rule", "conflict")),
        (json!({"name": "a", "type": "static", "colour": 1}), (422, "/colour", "unknown_member")),
        (json!({"name": "a", "query": "score:>"}), (400, "/query", "invalid_query")),
        (json!({"name": "a", "query": "scroe:>5"}), (422, "/query", "unknown_field")),
        (json!({"name": "a", "query": "list:None"}), (422, "/query", "unknown_list")),
        (json!({"name": "a", "query": "score:>5 OR segment:A"}), (422, "/query", "segment_cycle")),
    ] {
        let reply = ground.post("", body.clone()).await;
        let error = &reply.json["errors"][0];
        let found = (reply.status, error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap());
        assert_eq!(found, expected, "{body}: {}", reply.json);
    }
    let detail = ground.post("", json!({"name": "a", "query": "scroe:>5"})).await.json["errors"][0].clone();
    assert_eq!(detail["detail"], "there is no field `scroe`; did you mean `score`?");
    assert_eq!(ground.get("").await.json["items"], json!([]));
}

#[tokio::test]
async fn a_segment_gets_another_rule_and_keeps_its_kind() {
    let ground = ground(4).await;
    let id = ground.made("Even", Some("industry:even")).await;
    let reply = ground
        .patch(&format!("/{id}"), json!({"rule": {"field": "attributes.budget", "op": "gte", "value": 1}}))
        .await;
    assert_eq!(
        (reply.status, &reply.json["query"], &reply.json["count"]),
        (200, &json!("budget:>=1"), &json!(3))
    );
    ground.made("Friends", None).await;
    for (path, body, expected) in [
        ("/Even", json!({"type": "static"}), (422, "/type", "conflict")),
        ("/Friends", json!({"query": "score:>5"}), (422, "/query", "conflict")),
        ("/Even", json!({"query": null}), (422, "/query", "required")),
        ("/Even", json!({"name": null}), (422, "/name", "required")),
        ("/Even", json!({"query": "scroe:>5"}), (422, "/query", "unknown_field")),
    ] {
        let reply = ground.patch(path, body.clone()).await;
        let error = &reply.json["errors"][0];
        let found = (reply.status, error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap());
        assert_eq!(found, expected, "{body}: {}", reply.json);
    }
    assert_eq!(ground.patch("/Even", json!({})).await.status, 200);
}

#[tokio::test]
async fn the_same_request_makes_one_list() {
    let ground = ground(0).await;
    let send = || {
        let body = Body::from(json!({"name": "VIP", "type": "static"}).to_string());
        ground.client.send(Method::POST, "/api/v1/lists", &[("idempotency-key", "k")], body)
    };
    let (first, second) = (send().await, send().await);
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.json, second.json);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_a_key_needs_its_scopes() {
    let ground = ground(0).await;
    for path in ["/none", "/none/count", "/none/contacts", "/5e1c0f7a-0000-8000-8000-000000000000"] {
        let reply = ground.get(path).await;
        assert_eq!((reply.status, reply.code()), (404, "list_not_found"), "{path}");
    }
    assert_eq!(ground.delete("/none").await.code(), "list_not_found");
    assert_eq!(ground.patch("/none", json!({"name": "a"})).await.code(), "list_not_found");
    let app = api::App::new(ground.store.clone(), store::Clock::starting_at(super::NOW.parse().unwrap()));
    let router = crate::routes(&app).into_router(&app);
    let reader = api::testing::Client::new(router, &ground.store, &ground.tenant, &["lists:read"]).await;
    assert_eq!(reader.call(Method::GET, "/api/v1/lists").await.status, 200);
    for (method, path) in [(Method::POST, "/api/v1/lists"), (Method::GET, "/api/v1/lists/a/contacts")] {
        assert_eq!(reader.call(method, path).await.status, 403, "{path}");
    }
}
