use chrono::{DateTime, TimeDelta};
use model::scoring::{Event, Fact, Score, ScoringRules};
use model::{ContactId, Tenant};
use store::{ContactStore, LedgerStore, LedgerWrite, Recorded};

use super::*;

struct World {
    store: MemoryStore,
    tenant: Tenant,
    client: Client,
    id: String,
}

impl World {
    async fn new() -> Self {
        let store = MemoryStore::default();
        let tenant = stored_tenant(&store).await;
        let app = App::new(store.clone(), Clock::default());
        let router = all_routes(&app).into_router(&app);
        let client = Client::new(router, &store, &tenant, &["*"]).await;
        let created = create(&client, json!({"email": "jane@example.com"})).await;
        let id = created.json["id"].as_str().unwrap().to_owned();
        Self { store, tenant, client, id }
    }

    async fn record(&self, kinds: &[&str]) {
        let id = ContactId::parse(&self.id).unwrap();
        let before = self.store.by_id(&self.tenant, id).await.unwrap().unwrap();
        let noon = DateTime::from_timestamp(1_795_435_200, 0).unwrap();
        let facts: Vec<Fact> = (0..)
            .zip(kinds)
            .map(|(n, kind)| {
                let event = json!({
                    "id": format!("e{n}"), "type": kind, "contact": {"email": "jane@example.com"},
                    "occurred_at": noon + TimeDelta::minutes(n), "properties": {"n": n},
                });
                Fact::of(&Event::from_json(&event, noon + TimeDelta::days(900)).unwrap(), Default::default())
            })
            .collect();
        let score = Score::default().absorb(&facts, &ScoringRules::default(), noon).unwrap();
        let write = LedgerWrite { profile: before.profile.clone(), before, score, facts };
        let recorded = self.store.record(&self.tenant, write, noon).await.unwrap();
        assert!(matches!(recorded, Recorded::Done(_)));
    }

    async fn get(&self, path: &str) -> Reply {
        get(&self.client, &format!("{}/{path}", self.id)).await
    }
}

#[tokio::test]
async fn a_score_is_explained_by_entries_that_sum_to_it() {
    let world = World::new().await;
    let nothing = world.get("score").await;
    assert_eq!(
        (nothing.status, nothing.json),
        (200, json!({"score": 0, "tier": "cold", "rules_version": 0, "changes_at": null, "entries": []}))
    );
    world.record(&["email.opened", "webinar.joined", "pricing_page.visited"]).await;
    let explained = world.get("score").await.json;
    let entry = |id, kind, rule: Option<&str>, points, minute, after| {
        json!({"event_id": id, "type": kind, "rule": rule, "points": points,
               "occurred_at": format!("2026-11-23T12:0{minute}:00Z"), "after": after})
    };
    assert_eq!(
        explained,
        json!({"score": 21, "tier": "warm", "rules_version": 0, "changes_at": null, "entries": [
            entry("e0", "email.opened", Some("opened"), 1, 0, 1),
            entry("e1", "webinar.joined", None, 0, 1, 1),
            entry("e2", "pricing_page.visited", Some("pricing_visited"), 20, 2, 21),
        ]})
    );
    let shown = get(&world.client, "jane@example.com").await.json;
    assert_eq!((&shown["score"], &shown["tier"]), (&explained["score"], &explained["tier"]));
    assert_eq!(get(&world.client, "joe@example.com/score").await.code(), "contact_not_found");
}

#[tokio::test]
async fn of_a_long_ledger_the_oldest_entries_are_shown_as_one() {
    let world = World::new().await;
    world.record(&vec!["email.opened"; 10_003]).await;
    let explained = world.get("score").await.json;
    let entries = explained["entries"].as_array().unwrap();
    assert_eq!((entries.len(), &explained["score"]), (10_000, &json!(10_003)));
    assert_eq!((&entries[0]["type"], &entries[0]["points"]), (&json!("carried"), &json!(4)));
    let sum: i64 = entries.iter().map(|entry| entry["points"].as_i64().unwrap()).sum();
    assert_eq!(sum, 10_003);
}

#[tokio::test]
async fn a_timeline_gives_each_event_once_and_the_newest_first() {
    let world = World::new().await;
    world.record(&["email.opened"; 7]).await;
    let (mut seen, mut path) = (Vec::new(), "activity?limit=3".to_owned());
    loop {
        let page = world.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.json);
        seen.extend(page.json["items"].as_array().unwrap().clone());
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        path = format!("activity?limit=3&cursor={cursor}");
    }
    let ids: Vec<&str> = seen.iter().map(|item| item["event_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["e6", "e5", "e4", "e3", "e2", "e1", "e0"]);
    let last = json!({"event_id": "e0", "type": "email.opened", "occurred_at": "2026-11-23T12:00:00Z",
                      "properties": {"n": 0}, "machine": false});
    assert_eq!(seen[6], last);
    let joe = create(&world.client, json!({"email": "joe@example.com"})).await;
    let elsewhere = path.replace("activity", &format!("{}/activity", joe.json["id"].as_str().unwrap()));
    assert_eq!(get(&world.client, &elsewhere).await.code(), "invalid_cursor");
    assert_eq!(world.get("activity?limit=0").await.code(), "invalid_limit");
}
