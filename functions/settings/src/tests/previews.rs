//! Tiers before and after other rules, of a tenant with contacts of all scores.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use model::scoring::{EventId, EventType, Fact, Position, Properties, Published, Score, ScoringRules};
use model::{Contact, Email, Profile, Status};
use store::{ContactStore, LedgerStore, LedgerWrite, NewContact, Recorded, Write, Written};

use super::*;
use crate::preview::{Both, look};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_420_800, 0).unwrap()
}

fn visits(count: i64) -> Vec<Fact> {
    let visit = |n: i64| Fact {
        position: Position {
            occurred_at: now() + TimeDelta::minutes(n),
            event_id: EventId::parse(&format!("e{n}")).unwrap(),
        },
        kind: EventType::parse("pricing_page.visited").unwrap(),
        properties: Properties::default(),
        machine: false,
        met: Default::default(),
    };
    (0..count).map(visit).collect()
}

impl World {
    async fn hold(&self, number: i64) -> Contact {
        let email = format!("c{number}@example.com");
        let profile = Profile::new(Email::parse(&email).unwrap(), email, Status::Active);
        let new = NewContact::of(profile);
        let write = vec![Write::Create(Box::new(new))];
        match self.store.write(&self.tenant, write, now()).await.unwrap().pop().unwrap().unwrap() {
            Written::Done(contact) => *contact,
            lost @ Written::Lost { .. } => panic!("{lost:?}"),
        }
    }

    /// Gives contact `n` so many visits as `n` modulo 4: 0, 20, 40 or 60 points.
    async fn populated(contacts: i64) -> Self {
        let world = Self::new().await;
        for number in 0..contacts {
            let before = world.hold(number).await;
            let facts = visits(number % 4);
            if !facts.is_empty() {
                let score = Score::default().absorb(&facts, &ScoringRules::default(), now()).unwrap();
                let write = LedgerWrite { profile: before.profile.clone(), before, score, facts };
                let done = world.store.record(&world.tenant, write, now()).await.unwrap();
                assert!(matches!(done, Recorded::Done(_)));
            }
        }
        world
    }

    async fn preview(&self, body: Value) -> Value {
        let reply = self.send(Method::POST, "/scoring/preview", body).await;
        assert_eq!(reply.status, 200, "{}", reply.json);
        reply.json
    }
}

#[tokio::test]
async fn a_preview_counts_tiers_before_and_after_and_changes_nothing() {
    let world = World::populated(100).await;
    let before = world.get("/scoring").await.json;
    let rules = json!({"rules": [{"id": "v", "event": "pricing_page.visited", "points": 30, "cap": 60}]});
    let found = world.preview(rules).await;
    assert_eq!(
        found,
        json!({
            "contacts": 100, "exact": true, "changed": 50,
            "before": {"hot": 25, "warm": 50, "cold": 25},
            "after": {"hot": 50, "warm": 25, "cold": 25},
        })
    );
    // Other tiers alone read no ledger, and the score of nobody changes.
    let mut tiers = json!({"rules": before["rules"], "tiers": {"warm": 0, "hot": 20}});
    let found = world.preview(tiers.take()).await;
    assert_eq!((&found["changed"], &found["after"]), (&json!(0), &json!({"hot": 75, "warm": 25, "cold": 0})));
    assert_eq!(world.get("/scoring").await.json, before);
    assert_eq!(world.queue.take_refolds(), []);
}

#[tokio::test]
async fn a_preview_shows_what_time_would_take() {
    let world = World::populated(40).await;
    let mut rules = json!({"rules": [{"id": "v", "event": "pricing_page.visited", "points": 20}]});
    let found = world.preview(rules.clone()).await;
    assert_eq!((&found["changed"], &found["before"]), (&json!(0), &found["after"]));
    rules["decay"] = json!({"expire_after_days": 1});
    let before = Published::default();
    let under = ScoringRules::from_json(&rules, 1).unwrap();
    let both = Both { tiers: before.tiers, before: &ScoringRules::default(), after: &under };
    let later = now() + TimeDelta::days(2);
    let seen = look(&world.store, &world.tenant, &both, later, Duration::from_secs(9)).await.unwrap();
    let shown = serde_json::to_value(seen).unwrap();
    assert_eq!(shown["after"], json!({"hot": 0, "warm": 0, "cold": 40}));
    assert_eq!(shown["changed"], 30);
}

#[tokio::test]
async fn a_preview_counts_what_the_published_rules_made_of_it() {
    let world = World::populated(40).await;
    let rules = json!({"rules": [{"id": "v", "event": "pricing_page.visited", "points": 30, "cap": 60}]});
    let foretold = world.preview(rules.clone()).await;
    world.send(Method::PUT, "/scoring", rules.clone()).await;
    // Nobody has folded them yet: before is what is in force all the same.
    let found = world.preview(rules).await;
    assert_eq!((&found["before"], &found["after"]), (&foretold["after"], &foretold["after"]));
    assert_eq!(found["changed"], 0);
}

#[tokio::test]
async fn bad_rules_have_no_preview() {
    let world = World::new().await;
    let body = json!({"rules": [{"id": "a", "event": "x"}]});
    let refused = world.send(Method::POST, "/scoring/preview", body).await;
    assert_eq!((refused.status, &refused.json["errors"][0]["pointer"]), (422, &json!("/rules/0")));
    let nobody = world.preview(json!({"rules": []})).await;
    assert_eq!((&nobody["contacts"], &nobody["exact"]), (&json!(0), &json!(true)));
}

#[tokio::test]
async fn a_preview_without_time_for_everybody_says_that_it_is_a_sample() {
    let world = World::populated(4).await;
    let (before, after) = (ScoringRules::default(), ScoringRules::default());
    let both = Both { tiers: before.tiers, before: &before, after: &after };
    let sample = look(&world.store, &world.tenant, &both, now(), Duration::ZERO).await.unwrap();
    let shown = serde_json::to_value(sample).unwrap();
    assert_eq!((&shown["exact"], &shown["contacts"]), (&json!(false), &json!(0)));
}
