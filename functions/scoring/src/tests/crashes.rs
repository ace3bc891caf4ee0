use std::collections::BTreeMap;

use proptest::prelude::*;
use store::testing::{CallFaults, Moment};

use super::*;

const KINDS: [&str; 6] = [
    "email.opened",
    "email.clicked",
    "email.replied",
    "pricing_page.visited",
    "email.bounced",
    "email.unsubscribed",
];

/// Events of three addresses, one of which has no contact at first, with many that collide.
fn streams() -> impl Strategy<Value = Vec<Value>> {
    let one = (0..3_usize, 0..8_i64, 0..4_u8, 0..KINDS.len());
    let one = one.prop_map(|(who, minute, id, kind)| {
        let email = [JANE, "joe@example.com", "late@example.com"][who];
        event_of(email, &format!("e{id}"), minute, KINDS[kind])
    });
    prop::collection::vec(one, 1..25)
}

/// Scores the events of an address plainly: of one identity the first that was told.
fn naive(events: &[Value], email: &str) -> i64 {
    let mut ledger = BTreeMap::new();
    for event in events.iter().filter(|event| event["contact"]["email"] == email) {
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        ledger.entry((text("occurred_at"), text("id"))).or_insert_with(|| text("type"));
    }
    ledger.values().fold(0, |score, kind| match kind.as_str() {
        "email.opened" => score + 1,
        "email.clicked" => score + 5,
        "email.replied" => score + 10,
        "pricing_page.visited" => score + 20,
        "email.bounced" => score - 50,
        _ => 0,
    })
}

/// Of events of one identity the first.
fn unique(events: Vec<Value>) -> Vec<Value> {
    let mut seen = std::collections::BTreeSet::new();
    let key = |event: &Value| {
        [&event["contact"]["email"], &event["occurred_at"], &event["id"]].map(Value::to_string)
    };
    events.into_iter().filter(|event| seen.insert(key(event))).collect()
}

/// The change that the stream of contacts tells of a contact that appeared.
fn appeared(world: &World, email: &str) -> Value {
    json!({"Records": [{
        "eventSource": "aws:dynamodb", "eventName": "INSERT",
        "dynamodb": {
            "SequenceNumber": "1",
            "Keys": {"tenant": {"S": format!("{}#3", world.tenant.id)}},
            "NewImage": {"id": {"B": ""}, "email": {"S": email}},
        },
    }]})
}

/// Delivers until nothing fails any more; each delivery but the last dies at some call.
async fn deliver_with_crashes(world: &World, event: &Value, crashes: &[(usize, Moment)]) {
    for (at, moment) in crashes {
        let store = world.store.failing(CallFaults::crash(*at, *moment));
        let dying = Deps::new(store, Clock::starting_at(now()));
        handle(&dying, event.clone()).await.unwrap();
    }
    assert_eq!(failures(handle(&world.deps, event.clone()).await.unwrap()), Vec::<String>::new());
}

fn crashes() -> impl Strategy<Value = Vec<(usize, Moment)>> {
    let moment = prop::sample::select(vec![Moment::Before, Moment::After]);
    prop::collection::vec((0..8_usize, moment), 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn batches_in_any_order_with_crashes_and_repeats_end_in_the_naive_score(
        (events, shuffled) in streams().prop_map(unique).prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        sizes in prop::collection::vec(1..6_usize, 25),
        faults in prop::collection::vec(crashes(), 26),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            world.hold(JANE).await;
            world.hold("joe@example.com").await;
            let mut rest = shuffled.as_slice();
            for (size, crashes) in sizes.iter().zip(&faults) {
                let (batch, left) = rest.split_at((*size).min(rest.len()));
                rest = left;
                if !batch.is_empty() {
                    deliver_with_crashes(&world, &world.batch(batch), crashes).await;
                }
            }
            while !rest.is_empty() {
                let (batch, left) = rest.split_at(rest.len().min(10));
                rest = left;
                deliver_with_crashes(&world, &world.batch(batch), &[]).await;
            }
            if events.iter().any(|event| event["contact"]["email"] == "late@example.com") {
                assert!(!matches!(world.standing("late@example.com").await, Standing::Held(_)));
                let suppressed = match world.standing("late@example.com").await {
                    Standing::Suppressed(suppression) => Some(suppression),
                    _ => None,
                };
                let late = Email::parse("late@example.com").unwrap();
                let change = model::Change::default();
                let profile = change.create(late, "late@example.com", suppressed.as_ref()).unwrap();
                let new = NewContact { replaces: suppressed, ..NewContact::of(profile) };
                let write = vec![Write::Create(Box::new(new))];
                world.store.write(&world.tenant, write, now()).await.unwrap();
                deliver_with_crashes(&world, &appeared(&world, "late@example.com"), &faults[25]).await;
                assert_eq!(world.score("late@example.com").await, naive(&events, "late@example.com"));
            }
            for email in [JANE, "joe@example.com"] {
                assert_eq!(world.score(email).await, naive(&events, email), "{email}");
            }
        });
    }
}
