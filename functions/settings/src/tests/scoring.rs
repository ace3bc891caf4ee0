use store::testing::CallFaults;
use store::{RefoldMessage, RulesStore, TimedTask, TimerStore};

use super::*;

fn rules(points: i64) -> Value {
    json!({
        "rules": [
            {"id": "opened", "event": "email.opened", "points": points, "cap": 100, "window": {"points": 10, "days": 1}},
            {"id": "gone", "event": "email.unsubscribed", "set_to": 0},
        ],
        "max_score": 500,
        "tiers": {"warm": 5, "hot": 10},
    })
}

impl World {
    async fn put_if_match(&self, tag: &str, body: &Value) -> Reply {
        let headers = [("if-match", tag)];
        self.client.send(Method::PUT, "/api/v1/scoring", &headers, body.to_string().into()).await
    }
}

#[tokio::test]
async fn the_default_rules_are_in_force_until_others_are_published() {
    let world = World::new().await;
    let before = world.get("/scoring").await;
    assert_eq!((before.status, before.header("etag")), (200, "\"scoring-0\""), "{}", before.json);
    assert_eq!(before.json["rules"][3]["points"], 20);
    assert_eq!(before.json["tiers"], json!({"warm": 20, "hot": 50}));
    assert_eq!((&before.json["version"], &before.json["refold"]), (&json!(0), &Value::Null));
    let saved = world.send(Method::PUT, "/scoring", rules(3)).await;
    assert_eq!((saved.status, saved.header("etag")), (200, "\"scoring-1\""), "{}", saved.json);
    let mut shown = saved.json.clone();
    let members = shown.as_object_mut().unwrap();
    assert_eq!(members.remove("version"), Some(json!(1)));
    assert_eq!(members.remove("refold").unwrap()["status"], "running");
    assert_eq!(members.remove("decay"), Some(Value::Null));
    assert_eq!(shown, rules(3));
    assert_eq!(world.get("/scoring").await.json, saved.json);
    let start = RefoldMessage { tenant: world.tenant.id, rules_version: 1, range: None };
    assert_eq!(world.queue.take_refolds(), [start, start], "one at once, one to look after it");
}

#[tokio::test]
async fn rules_that_decay_have_the_clock_look() {
    let world = World::new().await;
    let timers = async || {
        let soon = chrono::Utc::now() + chrono::TimeDelta::minutes(2);
        world.store.due_timers(soon).await.unwrap()
    };
    world.send(Method::PUT, "/scoring", rules(3)).await;
    assert_eq!(timers().await, []);
    let mut decaying = rules(3);
    decaying["decay"] = json!({"half_life_days": 30});
    let saved = world.send(Method::PUT, "/scoring", decaying).await;
    assert_eq!((&saved.json["decay"], &saved.json["version"]), (&json!({"half_life_days": 30}), &json!(2)));
    let timers = timers().await;
    assert_eq!(timers.iter().map(|timer| timer.task).collect::<Vec<_>>(), [TimedTask::Scores]);
}

#[tokio::test]
async fn other_tiers_alone_fold_nothing() {
    let world = World::new().await;
    world.send(Method::PUT, "/scoring", rules(3)).await;
    world.queue.take_refolds();
    let tiers = json!({"warm": -1, "hot": 10});
    let mut other = rules(3);
    other["tiers"] = tiers.clone();
    let saved = world.send(Method::PUT, "/scoring", other).await;
    assert_eq!((&saved.json["tiers"], &saved.json["version"]), (&tiers, &json!(1)));
    assert_eq!(saved.header("etag"), "\"scoring-2\"");
    assert_eq!(world.queue.take_refolds(), []);
    assert_eq!(world.store.tenant(world.tenant.id).await.unwrap().unwrap().scoring.tiers.warm, -1);
}

#[tokio::test]
async fn rules_are_replaced_only_where_they_are_as_they_were_read() {
    let world = World::new().await;
    assert_eq!(world.put_if_match("\"scoring-0\"", &rules(3)).await.status, 200);
    let late = world.put_if_match("\"scoring-0\"", &rules(4)).await;
    assert_eq!((late.status, late.code()), (412, "precondition_failed"));
    assert_eq!(world.get("/scoring").await.json["rules"][0]["points"], 3);
    assert_eq!(world.put_if_match("\"scoring-1\", \"x\"", &rules(4)).await.status, 200);
    assert_eq!(world.put_if_match("*", &rules(5)).await.status, 200);
}

#[tokio::test]
async fn the_same_rules_once_more_change_nothing_and_start_what_was_lost() {
    let world = World::new().await;
    world.send(Method::PUT, "/scoring", rules(3)).await;
    world.queue.take_refolds();
    let again = world.send(Method::PUT, "/scoring", rules(3)).await;
    assert_eq!((again.status, again.header("etag")), (200, "\"scoring-1\""));
    let start = RefoldMessage { tenant: world.tenant.id, rules_version: 1, range: None };
    assert_eq!(world.queue.take_refolds(), [start]);
}

#[tokio::test]
async fn a_publication_that_dies_half_way_is_looked_after() {
    for at in 0..8 {
        let store = MemoryStore::default();
        let world = World::on(store.clone()).await;
        let dying = store.failing(CallFaults::crash(at, store::testing::Moment::After));
        let app = App::new(dying, Clock::default());
        let deps = Deps {
            app: app.clone(),
            queue: world.queue.clone(),
            fields_known_after: std::time::Duration::ZERO,
        };
        let client = world.client.through(crate::routes(&deps, None).into_router(&app));
        client.json(Method::PUT, "/api/v1/scoring", rules(3)).await;
        let version = store.tenant(world.tenant.id).await.unwrap().unwrap().scoring.version;
        let sent = world.queue.take_refolds();
        assert!(version == 0 || !sent.is_empty(), "nobody folds what is in force: {at}");
        assert!(store.rules(world.tenant.id, version).await.is_ok());
    }
}

#[tokio::test]
async fn every_bad_rule_is_refused_with_its_place() {
    let world = World::new().await;
    let conditioned = |condition: &str| json!({"rules": [{"id": "a", "event": "x", "points": 1}, {"id": "b", "event": "x", "points": 1, "condition": condition}]});
    for (body, pointer, code) in [
        (json!({}), "", "invalid_value"),
        (json!({"rules": [], "version": 3}), "/version", "invalid_value"),
        (json!({"rules": [{"id": "a", "event": "x"}]}), "/rules/0", "points_or_set_to"),
        (json!({"rules": [], "tiers": {"warm": 9, "hot": 1}}), "/tiers", "invalid_tiers"),
        (json!({"rules": [], "decay": {"half_life_days": 0}}), "/decay/half_life_days", "invalid_value"),
        (conditioned("industry:"), "/rules/1/condition", "invalid_query"),
        (conditioned("industri:SaaS"), "/rules/1/condition", "unknown_field"),
        (conditioned("created_at:soon"), "/rules/1/condition", "wrong_type"),
        (conditioned("list:VIP"), "/rules/1/condition", "unknown_list"),
        (conditioned("score>5"), "/rules/1/condition", "not_in_conditions"),
    ] {
        let refused = world.send(Method::PUT, "/scoring", body.clone()).await;
        assert_eq!(refused.status, 422, "{body}: {}", refused.json);
        let error = &refused.json["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{body}");
    }
    assert_eq!(world.get("/scoring").await.json["version"], 0);
    assert_eq!(world.queue.take_refolds(), []);
    world.send(Method::POST, "/fields", json!({"name": "Industri", "type": "text"})).await;
    assert_eq!(world.send(Method::PUT, "/scoring", conditioned("industri:SaaS")).await.status, 200);
}

#[tokio::test]
async fn progress_is_shown_until_all_contacts_are_folded() {
    use model::scoring::{RefoldPlan, RefoldRange};
    let world = World::new().await;
    world.send(Method::PUT, "/scoring", rules(3)).await;
    let at = chrono::DateTime::from_timestamp(1_795_420_800, 0).unwrap();
    let plan = RefoldPlan { ordinals: 200, started_at: at };
    world.store.plan_refold(world.tenant.id, 1, &plan).await.unwrap();
    let range = |from, to| RefoldRange { from, to, contacts: 10, done_at: at };
    world.store.finish_refold_range(world.tenant.id, 1, &range(0, 50)).await.unwrap();
    let shown = world.get("/scoring").await.json["refold"].clone();
    assert_eq!(
        shown,
        json!({"status": "running", "progress": 0.25, "contacts": 10, "started_at": "2026-11-23T08:00:00Z", "finished_at": null})
    );
    world.store.finish_refold_range(world.tenant.id, 1, &range(50, 200)).await.unwrap();
    let shown = world.get("/scoring").await;
    assert_eq!(
        (&shown.json["refold"]["status"], &shown.json["refold"]["contacts"]),
        (&json!("done"), &json!(20))
    );
    let headers = [("if-none-match", shown.header("etag"))];
    let unchanged =
        world.client.send(Method::GET, "/api/v1/scoring", &headers, axum::body::Body::empty()).await;
    assert_eq!(unchanged.status, 304);
}
