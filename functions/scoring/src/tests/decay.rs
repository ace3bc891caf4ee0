//! Points that decay, as the clock takes them off.

use index::{Block, IndexedFields, Writer};
use model::scoring::{Published, ScoringRules};
use proptest::prelude::*;
use store::testing::{CallFaults, Moment};
use store::{ContactFacts, RulesStore, TimerStore, index_generation};

use super::*;
use crate::take_steps;

/// Gives 8 points for each open, which decay.
fn decaying(decay: &Value, version: u64) -> ScoringRules {
    let rules = json!({"decay": decay, "rules": [{"id": "o", "event": "email.opened", "points": 8}]});
    ScoringRules::from_json(&rules, version).unwrap()
}

/// Minutes before now, as [`event_of`] takes them.
fn ago(minutes: i64) -> i64 {
    24 * 60 - minutes
}

impl World {
    /// Is a tenant whose points decay.
    async fn with_decay(decay: &Value) -> Self {
        let world = Self::new().await;
        world.publish_decay(decay).await;
        let deps = Deps::new(world.store.clone(), Clock::starting_at(now()));
        Self { deps, ..world }
    }

    async fn publish_decay(&self, decay: &Value) {
        let tenant = self.store.tenant(self.tenant.id).await.unwrap().unwrap();
        let Published { revision, version, tiers } = tenant.scoring;
        let published = Published { revision: revision + 1, version: version + 1, tiers };
        let rules = decaying(decay, published.version);
        assert!(self.store.publish_rules(&tenant, published, &rules).await.unwrap());
    }

    /// Brings the index up to date.
    async fn index(&self) {
        let facts = ContactFacts { store: &self.store, tenant: &self.tenant };
        let writer = Writer::new(&self.store, &facts, index_generation(&self.tenant));
        let all = Block::new(0, 99).unwrap();
        writer.build(all, &IndexedFields::of_contacts(), &[]).await.unwrap();
    }

    /// Has the clock look at a time.
    async fn tick(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.index().await;
        let deps = Deps::new(self.store.clone(), Clock::starting_at(at));
        take_steps(&deps, self.tenant.id).await.unwrap()
    }

    async fn clock_is_set(&self, by: DateTime<Utc>) -> bool {
        !self.store.due_timers(by).await.unwrap().is_empty()
    }
}

#[tokio::test]
async fn the_clock_takes_what_is_due_and_leaves_everybody_else_alone() {
    let world = World::with_decay(&json!({"expire_after_days": 1})).await;
    world.hold(JANE).await;
    world.hold("joe@example.com").await;
    world.hold("nobody@example.com").await;
    let joe = event_of("joe@example.com", "e2", ago(10), "email.opened");
    world.deliver(&[event("e1", ago(23 * 60), "email.opened"), joe]).await;
    let others = [world.contact("joe@example.com").await, world.contact("nobody@example.com").await];
    let next = world.tick(now() + TimeDelta::minutes(30)).await.unwrap();
    assert!((next - now() - TimeDelta::minutes(90)).num_seconds() < 10, "it looks each hour");
    assert_eq!(world.score(JANE).await, 8);
    world.tick(now() + TimeDelta::minutes(61)).await;
    assert_eq!(world.score(JANE).await, 0);
    let jane = world.contact(JANE).await;
    assert_eq!(jane.fold.changes_at, None);
    world.tick(now() + TimeDelta::minutes(62)).await;
    assert_eq!(world.contact(JANE).await, jane, "a step is taken once");
    assert_eq!([world.contact("joe@example.com").await, world.contact("nobody@example.com").await], others);
}

#[tokio::test]
async fn an_event_that_is_told_late_has_the_clock_look_before_its_hour() {
    let world = World::with_decay(&json!({"expire_after_days": 1})).await;
    world.hold(JANE).await;
    world.deliver(&[event("e1", ago(10), "email.opened")]).await;
    assert!(!world.clock_is_set(now() + TimeDelta::days(30)).await);
    // It expires in two minutes.
    world.deliver(&[event("e2", ago(24 * 60 - 2), "email.opened")]).await;
    assert!(!world.clock_is_set(now() + TimeDelta::minutes(1)).await);
    assert!(world.clock_is_set(now() + TimeDelta::minutes(3)).await);
    assert_eq!(world.score(JANE).await, 16);
    // This one has expired already: it is told, and shows no points at any moment.
    world.deliver(&[event("e3", ago(25 * 60), "email.opened")]).await;
    assert_eq!(world.score(JANE).await, 16);
    let told = world.explained(&world.contact(JANE).await).await.entries;
    assert_eq!(told.iter().map(|entry| entry.points).collect::<Vec<_>>(), [8, 8, -8, 8]);
}

#[tokio::test]
async fn where_points_do_not_decay_the_clock_has_nothing_to_do_any_more() {
    let world = World::new().await;
    assert_eq!(world.tick(now()).await, None);
    world.publish_decay(&json!({"half_life_days": 1})).await;
    assert!(world.tick(now()).await.is_some());
    world.publish_decay(&Value::Null).await;
    assert_eq!(world.tick(now()).await, None);
    let deps = Deps::new(world.store.clone(), Clock::starting_at(now()));
    assert_eq!(take_steps(&deps, store::testing::tenant().id).await.unwrap(), None);
}

/// Says what happens next.
#[derive(Debug, Clone)]
enum Step {
    Event { who: usize, hours_ago: i64, id: u8 },
    Pass { minutes: i64 },
    Tick { crash: Option<(usize, Moment)> },
    Publish { decay: Value },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let moment = prop::sample::select(vec![Moment::Before, Moment::After]);
    let decay = prop::sample::select(vec![
        Value::Null,
        json!({"half_life_days": 1}),
        json!({"expire_after_days": 1}),
        json!({"expire_after_days": 2}),
    ]);
    let step = prop_oneof![
        5 => (0..3_usize, 0..90_i64, 0..3_u8).prop_map(|(who, hours_ago, id)| Step::Event { who, hours_ago, id }),
        3 => (1..2_000_i64).prop_map(|minutes| Step::Pass { minutes }),
        4 => prop::option::of((0..12_usize, moment)).prop_map(|crash| Step::Tick { crash }),
        1 => decay.prop_map(|decay| Step::Publish { decay }),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn after_each_tick_every_score_is_what_a_fold_at_that_tick_makes_of_the_ledger(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut world = World::with_decay(&json!({"half_life_days": 1})).await;
            let emails: Vec<String> = (0..3).map(|n| format!("c{n}@example.com")).collect();
            for email in &emails {
                world.hold(email).await;
            }
            let mut time = now();
            for step in steps {
                world.deps = Deps::new(world.store.clone(), Clock::starting_at(time));
                match step {
                    Step::Event { who, hours_ago, id } => {
                        let mut told = event_of(&emails[who], &format!("e{id}"), 0, "email.opened");
                        told["occurred_at"] = json!(time - TimeDelta::hours(hours_ago));
                        assert_eq!(world.deliver(&[told]).await, Vec::<String>::new());
                    }
                    Step::Pass { minutes } => time += TimeDelta::minutes(minutes),
                    Step::Publish { decay } => {
                        world.publish_decay(&decay).await;
                        let version = world.store.tenant(world.tenant.id).await.unwrap().unwrap().scoring.version;
                        let start = store::RefoldMessage { tenant: world.tenant.id, rules_version: version, range: None };
                        world.fold_all(&[start]).await;
                    }
                    Step::Tick { crash } => {
                        world.index().await;
                        if let Some((at, moment)) = crash {
                            let store = world.store.failing(CallFaults::crash(at, moment));
                            let dying = Deps::new(store, Clock::starting_at(time));
                            drop(take_steps(&dying, world.tenant.id).await);
                        }
                        let next = world.tick(time).await;
                        let tenant = world.store.tenant(world.tenant.id).await.unwrap().unwrap();
                        let rules = world.store.rules(tenant.id, tenant.scoring.version).await.unwrap();
                        assert_eq!(next.is_some(), rules.decay.is_some());
                        for email in &emails {
                            let contact = world.contact(email).await;
                            let facts = world.store.facts(tenant.id, contact.id, None).await.unwrap();
                            let to = rules.decay.map(|_| time);
                            assert_eq!(world.score(email).await, fold(&facts, &rules, to).score.points, "{email}");
                        }
                    }
                }
            }
        });
    }
}
