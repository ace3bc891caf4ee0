use super::*;

async fn make(world: &World, body: Value) -> Reply {
    world.send(Method::POST, "/api-keys", body).await
}

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_revoked() {
    let world = World::new().await;
    let body = json!({"name": "CRM", "scopes": ["settings:read"], "expires_at": "2999-01-01T00:00:00Z"});
    let made = make(&world, body).await;
    assert_eq!((made.status, &made.json["name"]), (201, &json!("CRM")), "{}", made.json);
    let key = made.json["api_key"].as_str().unwrap();
    assert!(key.starts_with("lk_") && key.len() == 67);
    assert_eq!(with_key(&world.store, key, Method::GET, "/settings").await.status, 200);
    assert_eq!(with_key(&world.store, key, Method::PUT, "/settings").await.code(), "forbidden");
    let listed = world.get("/api-keys").await;
    assert!(!listed.json.to_string().contains(key));
    let items = listed.json["items"].as_array().unwrap();
    let crm = items.iter().find(|item| item["name"] == "CRM").unwrap();
    assert_eq!(crm["last_used_on"], json!(chrono::Utc::now().date_naive()));
    let path = format!("/api-keys/{}", made.json["id"].as_str().unwrap());
    assert_eq!(world.send(Method::DELETE, &path, json!({})).await.status, 204);
    assert_eq!(world.send(Method::DELETE, &path, json!({})).await.code(), "api_key_not_found");
    assert_eq!(with_key(&world.store, key, Method::GET, "/settings").await.status, 401);
}

#[tokio::test]
async fn a_key_gives_no_scope_that_it_lacks_and_none_that_is_unknown() {
    let world = World::new().await;
    let maker = json!({"name": "maker", "scopes": ["keys:write", "contacts:read"]});
    let maker = make(&world, maker).await.json["api_key"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {maker}");
    for (scopes, code) in [
        (json!(["contacts:write"]), "scope_not_held"),
        (json!(["*"]), "scope_not_held"),
        (json!(["everything"]), "unknown_scope"),
        (json!([]), "required"),
        (json!("*"), "wrong_type"),
    ] {
        let body = json!({"name": "made", "scopes": scopes}).to_string();
        let headers = [("authorization", bearer.as_str())];
        let refused = world.client.send(Method::POST, "/api/v1/api-keys", &headers, body.into()).await;
        assert_eq!((refused.status, refused.code()), (422, code));
    }
    for body in [
        json!({"scopes": ["*"]}),
        json!({"name": "x", "scopes": ["*"], "expires_at": "2020-01-01T00:00:00Z"}),
    ] {
        assert_eq!(make(&world, body).await.status, 422);
    }
}

#[tokio::test]
async fn a_key_ends_at_its_time() {
    let world = World::new().await;
    let end = chrono::Utc::now() + chrono::TimeDelta::seconds(1);
    let made = make(&world, json!({"name": "brief", "scopes": ["*"], "expires_at": end})).await;
    let bearer = format!("Bearer {}", made.json["api_key"].as_str().unwrap());
    let (router, _) = router(&world.store);
    let client = world.client.through(router);
    let headers = [("authorization", bearer.as_str())];
    // Although the key is known to this instance for a minute.
    loop {
        let before = chrono::Utc::now();
        let status = client.send(Method::GET, "/api/v1/settings", &headers, Vec::new().into()).await.status;
        if chrono::Utc::now() < end {
            assert_eq!(status, 200);
        } else if before >= end {
            return assert_eq!(status, 401);
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn nobody_sees_or_revokes_the_key_of_another_tenant() {
    let mine = World::new().await;
    let other = World::on(mine.store.clone()).await;
    let made = make(&mine, json!({"name": "mine", "scopes": ["*"]})).await;
    assert!(!other.get("/api-keys").await.json.to_string().contains("mine"));
    let path = format!("/api-keys/{}", made.json["id"].as_str().unwrap());
    assert_eq!(other.send(Method::DELETE, &path, json!({})).await.status, 404);
    let key = made.json["api_key"].as_str().unwrap();
    assert_eq!(with_key(&mine.store, key, Method::GET, "/settings").await.status, 200);
}
