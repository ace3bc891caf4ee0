//! Rules that are published while events come in.

use model::scoring::{Published, Refold, ScoringRules};
use proptest::prelude::*;
use store::RefoldMessage;
use store::testing::{CallFaults, MemoryQueue, Moment};

use super::*;

/// Gives so many points for each open, and nothing for anything else.
fn opens_for(points: i32, version: u64) -> ScoringRules {
    let rules = json!({"rules": [{"id": "opened", "event": "email.opened", "points": points}]});
    ScoringRules::from_json(&rules, version).unwrap()
}

impl World {
    /// Puts rules in force, and gives the message that starts to fold.
    async fn publish(&self, points: i32) -> RefoldMessage {
        let tenant = self.store.tenant(self.tenant.id).await.unwrap().unwrap();
        let Published { revision, version, tiers } = tenant.scoring;
        let published = Published { revision: revision + 1, version: version + 1, tiers };
        let rules = opens_for(points, published.version);
        assert!(self.store.publish_rules(&tenant, published, &rules).await.unwrap());
        RefoldMessage { tenant: tenant.id, rules_version: published.version, range: None }
    }

    /// Delivers messages and those that they send, until none is left.
    pub(super) async fn fold_all(&self, first: &[RefoldMessage]) {
        let queue = MemoryQueue::default();
        let mut messages = first.to_vec();
        while let Some(message) = messages.pop() {
            let answer = handle_all(&self.deps, &queue, batch(&message)).await.unwrap();
            assert_eq!(failures(answer), Vec::<String>::new());
            messages.extend(queue.take_refolds());
        }
    }

    async fn refold(&self, version: u64) -> Option<Refold> {
        self.store.refold(self.tenant.id, version).await.unwrap()
    }

    /// Starts an instance that has heard of nothing that is published from now on.
    async fn of_old(&self) -> Deps<MemoryStore> {
        let deps = Deps::new(self.store.clone(), Clock::starting_at(now()));
        assert!(deps.tenant(self.tenant.id).await.unwrap().is_some());
        deps
    }
}

fn batch(message: &RefoldMessage) -> Value {
    let body = serde_json::to_string(message).unwrap();
    json!({"Records": [{"messageId": "m0", "eventSource": "aws:sqs", "body": body}]})
}

#[tokio::test]
async fn published_rules_score_every_contact_anew() {
    let world = World::new().await;
    let mut events = Vec::new();
    for n in 0..40 {
        let email = format!("c{n}@example.com");
        world.hold(&email).await;
        events.extend((0..n % 4).map(|m| event_of(&email, &format!("e{m}"), m, "email.opened")));
    }
    world.deliver(&events).await;
    let before = world.contact("c0@example.com").await;
    let start = world.publish(7).await;
    world.fold_all(&[start]).await;
    for n in 0..40 {
        assert_eq!(world.score(&format!("c{n}@example.com")).await, 7 * (n % 4));
    }
    let refold = world.refold(1).await.unwrap();
    assert!(refold.is_done());
    assert_eq!((refold.contacts(), refold.plan.ordinals), (30, 40));
    // Who has no events has nothing to fold.
    assert_eq!(world.contact("c0@example.com").await, before);
    // The same messages once more find it done.
    let versions = world.contact("c1@example.com").await.version;
    world.fold_all(&[start, start]).await;
    assert_eq!(world.contact("c1@example.com").await.version, versions);
}

#[tokio::test]
async fn an_event_folds_its_contact_under_the_newest_rules_at_once() {
    let world = World::new().await;
    world.hold(JANE).await;
    world.deliver(&[event("e1", 0, "email.opened"), event("e2", 1, "email.clicked")]).await;
    let _start = world.publish(3).await;
    let fresh = Deps::new(world.store.clone(), Clock::starting_at(now()));
    let answer = handle(&fresh, world.batch(&[event("e3", 2, "email.opened")])).await.unwrap();
    assert_eq!((failures(answer).len(), world.score(JANE).await), (0, 6));
}

#[tokio::test]
async fn an_instance_that_has_not_heard_of_new_rules_never_takes_a_score_back_to_old_ones() {
    let world = World::new().await;
    world.hold(JANE).await;
    world.hold("joe@example.com").await;
    world.deliver(&[event("e1", 0, "email.opened")]).await;
    let old = world.of_old().await;
    let start = world.publish(3).await;
    world.fold_all(&[start]).await;
    // Jane has facts; Joe gets his first one, behind the back of whoever folded all contacts.
    let late = [event("e2", 1, "email.opened"), event_of("joe@example.com", "e1", 0, "email.opened")];
    assert_eq!(failures(handle(&old, world.batch(&late)).await.unwrap()), Vec::<String>::new());
    assert_eq!((world.score(JANE).await, world.score("joe@example.com").await), (6, 3));
}

#[tokio::test]
async fn rules_that_were_never_published_and_those_that_are_superseded_fold_nothing() {
    let world = World::new().await;
    world.hold(JANE).await;
    world.deliver(&[event("e1", 0, "email.opened")]).await;
    let first = world.publish(3).await;
    let second = world.publish(4).await;
    let never = RefoldMessage { rules_version: 9, ..first };
    world.fold_all(&[first, never]).await;
    assert_eq!((world.refold(1).await, world.refold(9).await, world.score(JANE).await), (None, None, 1));
    world.fold_all(&[second]).await;
    assert_eq!(world.score(JANE).await, 4);
}

#[tokio::test]
async fn a_contact_that_moved_while_it_was_folded_is_folded_where_it_is() {
    let world = World::new().await;
    world.hold(JANE).await;
    world.deliver(&[event("e1", 0, "email.opened")]).await;
    let before = world.contact(JANE).await;
    let start = world.publish(5).await;
    let email = Email::parse("jane@example.org").unwrap();
    let profile = Profile { email, ..before.profile.clone() };
    let update = store::ProfileUpdate { before, profile, replaces: None, consent: None, origin: None };
    let moved = world.store.write(&world.tenant, vec![Write::Update(Box::new(update))], now()).await.unwrap();
    assert!(matches!(moved[0], Ok(Written::Done(_))));
    world.fold_all(&[start]).await;
    assert_eq!(world.score("jane@example.org").await, 5);
}

/// Says what happens next: an event comes in over an instance of some age, rules are published, or
/// some of the messages are worked off, perhaps up to a crash.
#[derive(Debug, Clone)]
enum Step {
    Event { who: usize, minute: i64, instance: usize },
    Publish(i32),
    Fold { message: prop::sample::Index, crash: Option<(usize, Moment)> },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let moment = prop::sample::select(vec![Moment::Before, Moment::After]);
    let step = prop_oneof![
        4 => (0..4_usize, 0..9_i64, 0..4_usize)
            .prop_map(|(who, minute, instance)| Step::Event { who, minute, instance }),
        1 => (1..9_i32).prop_map(Step::Publish),
        3 => (any::<prop::sample::Index>(), prop::option::of((0..12_usize, moment)))
            .prop_map(|(message, crash)| Step::Fold { message, crash }),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_comes_in_meanwhile_ends_with_the_score_of_the_newest_rules(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let emails: Vec<String> = (0..4).map(|n| format!("c{n}@example.com")).collect();
            for email in &emails {
                world.hold(email).await;
            }
            let queue = MemoryQueue::default();
            let (mut messages, mut instances, mut points) = (Vec::new(), vec![world.of_old().await], 1);
            for step in steps {
                match step {
                    Step::Event { who, minute, instance } => {
                        let deps = &instances[instance % instances.len()];
                        let told = event_of(&emails[who], &format!("e{minute}"), minute, "email.opened");
                        handle(deps, world.batch(&[told])).await.unwrap();
                    }
                    Step::Publish(next) => {
                        points = next;
                        messages.push(world.publish(next).await);
                        instances.push(world.of_old().await);
                    }
                    Step::Fold { message, crash } if !messages.is_empty() => {
                        let message = messages.swap_remove(message.index(messages.len()));
                        let faults = crash.map_or(CallFaults::none(), |(at, moment)| CallFaults::crash(at, moment));
                        let dying = Deps::new(world.store.failing(faults), Clock::starting_at(now()));
                        let answer = handle_all(&dying, &queue, batch(&message)).await.unwrap();
                        if !failures(answer).is_empty() {
                            messages.push(message);
                        }
                        messages.extend(queue.take_refolds());
                    }
                    Step::Fold { .. } => {}
                }
            }
            world.fold_all(&messages).await;
            for email in &emails {
                let contact = world.contact(email).await;
                let facts = world.store.facts(world.tenant.id, contact.id, None).await.unwrap();
                assert_eq!(world.score(email).await, i64::from(points) * facts.len() as i64, "{email}");
            }
        });
    }
}
