use store::SweepMessage;

use super::*;

async fn make(world: &World, body: Value) -> Reply {
    world.send(Method::POST, "/fields", body).await
}

fn path(field: &Reply) -> String {
    format!("/fields/{}", field.json["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_field_is_made_renamed_and_dropped() {
    let world = World::new().await;
    let body = json!({"name": "Lead Source", "type": "text", "required": true, "default": "web"});
    let made = make(&world, body).await;
    let shown = json!({
        "id": "t1", "slug": "lead_source", "former_slugs": [], "name": "Lead Source", "type": "text", "required": true,
        "default": "web", "conversion": null,
    });
    assert_eq!((made.status, &made.json), (201, &shown));
    assert_eq!(world.get("/fields/t1").await.json, shown);
    let renamed = world.send(Method::PATCH, "/fields/t1", json!({"slug": "origin", "default": null})).await;
    assert_eq!((renamed.status, &renamed.json["slug"]), (200, &json!("origin")), "{}", renamed.json);
    assert_eq!((&renamed.json["id"], &renamed.json["default"]), (&json!("t1"), &Value::Null));
    assert_eq!(renamed.json["former_slugs"], json!(["lead_source"]));
    let again = make(&world, json!({"name": "Lead Source", "type": "text"})).await;
    assert_eq!((again.status, again.code()), (409, "field_exists"));
    assert!(again.json["detail"].as_str().unwrap().contains("`origin`"), "{}", again.json);
    assert_eq!(make(&world, json!({"name": "Medium", "type": "text"})).await.json["id"], "t2");
    let taken = world.send(Method::PATCH, "/fields/t2", json!({"slug": "lead_source"})).await;
    assert_eq!((taken.status, taken.code()), (409, "field_exists"));
    let taken = world.send(Method::PATCH, "/fields/t2", json!({"slug": "origin"})).await;
    assert_eq!((taken.status, taken.code()), (409, "field_exists"));
    assert_eq!(make(&world, json!({"name": "Origin", "type": "date"})).await.code(), "field_exists");
    assert!(world.queue.take_sweeps().is_empty());
    assert_eq!(world.send(Method::DELETE, "/fields/t1", json!({})).await.status, 204);
    assert_eq!(world.get("/fields/t1").await.code(), "field_not_found");
    let sweep = SweepMessage { tenant: world.tenant.id, field: "t1".parse().unwrap() };
    assert_eq!(world.queue.take_sweeps(), [sweep]);
    let left = world.get("/fields").await;
    assert_eq!(left.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(make(&world, json!({"name": "Origin", "type": "date"})).await.json["id"], "d3");
}

#[tokio::test]
async fn a_new_type_is_a_new_id_with_a_conversion_to_follow() {
    let world = World::new().await;
    let made = make(&world, json!({"name": "Budget", "type": "text", "default": "lots"})).await;
    let refused = world.send(Method::PATCH, &path(&made), json!({"type": "number"})).await;
    assert_eq!((refused.status, refused.code()), (422, "wrong_type"));
    assert_eq!(refused.json["errors"][0]["pointer"], "/default");
    let changed = world.send(Method::PATCH, &path(&made), json!({"type": "number", "default": 5})).await;
    assert_eq!((changed.status, &changed.json["type"]), (200, &json!("number")), "{}", changed.json);
    assert_ne!(changed.json["id"], made.json["id"]);
    assert_eq!(changed.json["conversion"]["from"], "text");
    assert_eq!((&changed.json["conversion"]["done"], &changed.json["default"]), (&json!(false), &json!(5)));
    let field = changed.json["id"].as_str().unwrap().parse().unwrap();
    let sweep = SweepMessage { tenant: world.tenant.id, field };
    assert_eq!(world.queue.take_sweeps(), [sweep]);
    // Whose message was lost sends the same again.
    world.send(Method::PATCH, &path(&changed), json!({"type": "number"})).await;
    assert_eq!(world.queue.take_sweeps(), [sweep]);
}

#[tokio::test]
async fn the_faults_of_a_field_are_told_with_their_places() {
    let world = World::new().await;
    for (body, pointer, code) in [
        (json!({"type": "text"}), "/name", "required"),
        (json!({"name": "x"}), "/type", "required"),
        (json!({"name": "x", "type": "list"}), "/type", "invalid_value"),
        (json!({"name": "!!", "type": "text"}), "/slug", "invalid_field"),
        (json!({"name": "x", "type": "number", "default": "y"}), "/default", "wrong_type"),
        (json!({"name": "x", "type": "text", "required": 1}), "/required", "wrong_type"),
        (json!({"name": "x", "type": "text", "unit": "EUR"}), "/unit", "unknown_member"),
    ] {
        let refused = make(&world, body).await;
        assert_eq!((refused.status, refused.code()), (422, code), "{}", refused.json);
        assert_eq!(refused.json["errors"][0]["pointer"], pointer);
    }
    for path in ["/fields/n1", "/fields/x", "/fields/budget"] {
        assert_eq!(world.get(path).await.code(), "field_not_found");
    }
}

#[tokio::test]
async fn the_same_request_makes_one_field() {
    let world = World::new().await;
    let body = json!({"name": "Budget", "type": "number"}).to_string();
    let headers = [("idempotency-key", "k-1")];
    let send =
        async || world.client.send(Method::POST, "/api/v1/fields", &headers, body.clone().into()).await;
    let (first, second) = (send().await, send().await);
    assert_eq!((first.status, &first.json), (second.status, &second.json));
    assert_eq!(first.status, 201);
}
