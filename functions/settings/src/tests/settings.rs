use store::testing::CallFaults;

use super::*;

#[tokio::test]
async fn settings_are_replaced_whole_and_show_the_limits() {
    let world = World::new().await;
    let before = world.get("/settings").await;
    assert_eq!(before.status, 200, "{}", before.json);
    assert_eq!(before.json["tenant"]["slug"], world.tenant.slug.as_str());
    assert_eq!(
        (&before.json["time_zone"], &before.json["infer_attributes"], &before.json["unknown_addresses"]),
        (&json!("UTC"), &json!(true), &json!("park"))
    );
    assert_eq!(before.json["limits"]["fields"], 1_000);
    assert_eq!(before.json["limits"]["requests_a_key"], 5_000);
    let wanted =
        json!({"time_zone": "Europe/Berlin", "infer_attributes": false, "unknown_addresses": "create"});
    let saved = world.send(Method::PUT, "/settings", wanted).await;
    assert_eq!((saved.status, &saved.json["time_zone"]), (200, &json!("Europe/Berlin")), "{}", saved.json);
    assert_eq!(world.get("/settings").await.json, saved.json);
    world.send(Method::PUT, "/settings", json!({})).await;
    assert_eq!(world.get("/settings").await.json, before.json);
}

#[tokio::test]
async fn what_settings_do_not_know_is_refused_with_its_place() {
    let world = World::new().await;
    for (body, pointer, code) in [
        (json!({"time_zone": "Berlin"}), "/time_zone", "unknown_time_zone"),
        (json!({"time_zone": 5}), "/time_zone", "wrong_type"),
        (json!({"infer_attributes": "no"}), "/infer_attributes", "wrong_type"),
        (json!({"unknown_addresses": "maybe"}), "/unknown_addresses", "invalid_value"),
        (json!({"limits": {}}), "/limits", "unknown_member"),
    ] {
        let refused = world.send(Method::PUT, "/settings", body).await;
        assert_eq!((refused.status, refused.code()), (422, code));
        assert_eq!(refused.json["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn every_answer_tells_the_quota_and_over_it_the_time_to_wait() {
    let world = World::new().await;
    let app = App::new(world.store.clone(), Clock::default()).with_quota(50);
    let deps = Deps {
        app: app.clone(),
        queue: MemoryQueue::default(),
        fields_known_after: std::time::Duration::ZERO,
    };
    let burst = world.client.through(crate::routes(&deps, None).into_router(&app));
    let (mut passed, mut refused) = (0, None);
    // Long enough that a window which ends meanwhile does not matter.
    for _ in 0..500 {
        let reply = burst.call(Method::GET, "/api/v1/fields").await;
        assert!(reply.header("ratelimit-policy").starts_with("\"key\";q=50;w=10"));
        assert!(reply.header("ratelimit").starts_with("\"key\";r="));
        if reply.status == 200 { passed += 1 } else { refused = Some(reply) }
    }
    let refused = refused.expect("a burst is cut off");
    assert_eq!((refused.status, refused.code()), (429, "rate_limited"));
    assert!((1..=10).contains(&refused.header("retry-after").parse::<u32>().unwrap()));
    assert!((70..=300).contains(&passed), "{passed} passed");
    // Another tenant on the same instance does not notice.
    let tenant = stored_tenant(&world.store).await;
    let other = crate::routes(&deps, None).into_router(&app);
    let other = Client::new(other, &world.store, &tenant, &["*"]).await;
    for _ in 0..50 {
        assert_eq!(other.call(Method::GET, "/api/v1/fields").await.status, 200);
    }
}

/// What a request waits for is the store. So a burst that costs it nothing once its quota is used,
/// and a neighbour that makes no call more, is what keeps the neighbour's answers as quick as they
/// were; `bench neighbours` measures it.
#[tokio::test]
async fn a_burst_over_its_quota_calls_the_store_no_more_and_its_neighbour_no_more_often() {
    let store = MemoryStore::default();
    let calls = CallFaults::none();
    let app = App::new(store.failing(calls.clone()), Clock::default()).with_quota(200);
    let deps = Deps {
        app: app.clone(),
        queue: MemoryQueue::default(),
        fields_known_after: std::time::Duration::ZERO,
    };
    let client = async || {
        let router = crate::routes(&deps, None).into_router(&app);
        Client::new(router, &store, &stored_tenant(&store).await, &["*"]).await
    };
    let (loud, quiet) = (client().await, client().await);
    let ask = async |client: &Client| {
        let before = calls.calls();
        let status = client.call(Method::GET, "/api/v1/fields").await.status;
        (status, calls.calls() - before)
    };
    ask(&quiet).await;
    let alone = ask(&quiet).await;
    let mut costs = Vec::new();
    for _ in 0..1_000 {
        let (status, cost) = ask(&loud).await;
        if status == 429 {
            costs.push(cost);
        }
    }
    assert!(costs.len() > 300, "{} were refused", costs.len());
    // The first refusal asks; so does the first of the next window, should one begin meanwhile.
    assert!(costs.iter().sum::<usize>() <= 3, "{costs:?}");
    assert_eq!((ask(&quiet).await, alone), (alone, (200, 1)));
}
