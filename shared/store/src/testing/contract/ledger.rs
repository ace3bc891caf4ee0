//! Clauses on the ledger of a contact.

use chrono::TimeDelta;
use futures::future::join_all;
use model::scoring::{EventId, EventType, Fact, Position, Properties, Score, ScoringRules, fold};
use model::{Consent, Contact, Email, Profile, Standing, Status, Suppression, Tenant};
use serde_json::{Value, json};

use super::AnyStore;
use super::contacts::{at, change, create, done, held, now, profile, write};
use crate::testing::tenant;
use crate::{LedgerWrite, Recorded};

fn fact(seconds: i64, id: &str, kind: &str) -> Fact {
    let Value::Object(properties) = json!({"url": "https://example.com/a#b", "seconds": 1.5, "first": true})
    else {
        panic!("no object")
    };
    let occurred_at = now() + TimeDelta::seconds(seconds);
    Fact {
        position: Position { occurred_at, event_id: EventId::parse(id).expect("an id") },
        kind: EventType::parse(kind).expect("a type"),
        properties: Properties::new(properties).expect("properties"),
        machine: seconds == 0,
        met: ["0123456789ab".parse().expect("a key")].into(),
    }
}

fn adding(before: &Contact, facts: Vec<Fact>) -> LedgerWrite {
    let score = Score { points: before.score, fold: before.fold.clone() };
    let score = score.absorb(&facts, &ScoringRules::default(), now()).expect("newer than all others");
    LedgerWrite { before: before.clone(), profile: before.profile.clone(), score, facts }
}

async fn record(store: &impl AnyStore, tenant: &Tenant, write: LedgerWrite) -> Recorded {
    store.record(tenant, write, now()).await.expect("record")
}

fn recorded(recorded: Recorded) -> Contact {
    match recorded {
        Recorded::Done(contact) => *contact,
        Recorded::Refused { .. } => panic!("{recorded:?}"),
    }
}

/// Also what the facts change of the profile.
pub async fn a_fact_and_its_contact_are_written_together_or_not_at_all(store: &impl AnyStore) {
    let tenant = tenant();
    let before = create(store, &tenant, profile("jane@example.com")).await;
    let facts = vec![fact(1, "e#1", "email.clicked"), fact(2, "e2", "email.bounced")];
    let bounced = Profile { status: Status::Bounced, ..before.profile.clone() };
    let wanted = LedgerWrite { profile: bounced, ..adding(&before, facts.clone()) };
    let after = recorded(record(store, &tenant, wanted.clone()).await);
    assert_eq!((after.score, after.version, after.profile.status), (-45, 2, Status::Bounced));
    assert_eq!(at(store, &tenant, "jane@example.com").await, held(&after));
    assert_eq!(store.facts(tenant.id, before.id, None).await.expect("read"), facts);

    // The contact is not as it was read, and these facts were not there.
    let late = adding(&before, vec![fact(3, "e3", "email.opened")]);
    let refused = record(store, &tenant, late).await;
    assert_eq!(refused, Recorded::Refused { known: Default::default(), standing: Some(held(&after)) });
    assert_eq!(store.facts(tenant.id, before.id, None).await.expect("read").len(), 2);
    store.delete(&tenant, &after, now()).await.expect("delete");
    let gone = record(store, &tenant, adding(&after, vec![fact(3, "e3", "email.opened")])).await;
    assert!(matches!(gone, Recorded::Refused { standing: Some(Standing::Suppressed(_)), .. }), "{gone:?}");
}

/// Whatever comes with it.
pub async fn a_fact_is_recorded_once(store: &impl AnyStore) {
    let tenant = tenant();
    let before = create(store, &tenant, profile("jane@example.com")).await;
    let first = fact(1, "e1", "email.opened");
    let after = recorded(record(store, &tenant, adding(&before, vec![first.clone()])).await);
    let again = Fact { kind: EventType::parse("email.replied").expect("a type"), ..first.clone() };
    let write = LedgerWrite {
        facts: vec![again, fact(2, "e2", "email.opened")],
        ..adding(&after, vec![fact(2, "e2", "email.opened")])
    };
    let refused = record(store, &tenant, write).await;
    let known = [first.position.clone()].into();
    assert_eq!(refused, Recorded::Refused { known, standing: None });
    assert_eq!(store.facts(tenant.id, before.id, None).await.expect("read"), [first]);
    assert_eq!(at(store, &tenant, "jane@example.com").await, held(&after));
}

/// Those of one moment by their ids.
pub async fn facts_come_back_in_their_order_and_from_any_of_them_on(store: &impl AnyStore) {
    let tenant = tenant();
    let jane = create(store, &tenant, profile("jane@example.com")).await;
    let joe = create(store, &tenant, profile("joe@example.com")).await;
    let ids = [(0, "z"), (1, "a"), (1, "a#"), (1, "b"), (2, "Ä"), (50, "a")];
    let sorted: Vec<Fact> = ids.iter().map(|(seconds, id)| fact(*seconds, id, "email.opened")).collect();
    let shuffled = [4, 0, 5, 2, 1, 3].map(|n| sorted[n].clone()).to_vec();
    recorded(record(store, &tenant, adding(&jane, shuffled)).await);
    recorded(record(store, &tenant, adding(&joe, vec![fact(1, "joe", "email.opened")])).await);
    assert_eq!(store.facts(tenant.id, jane.id, None).await.expect("read"), sorted);
    for n in 0..sorted.len() {
        let from = &sorted[n].position;
        assert_eq!(store.facts(tenant.id, jane.id, Some(from)).await.expect("read"), sorted[n..]);
    }
    let other = crate::testing::tenant();
    assert_eq!(store.facts(other.id, jane.id, None).await.expect("read"), []);
}

/// And says when it is at its end.
pub async fn a_walk_through_a_ledger_gives_each_fact_once_and_the_newest_first(store: &impl AnyStore) {
    let tenant = tenant();
    let jane = create(store, &tenant, profile("jane@example.com")).await;
    let facts: Vec<Fact> = (0..5).map(|n| fact(n, &format!("e{n}"), "email.opened")).collect();
    recorded(record(store, &tenant, adding(&jane, facts.clone())).await);
    let consent = Consent {
        source: "form".into(),
        method: "paper".into(),
        captured_at: now(),
        text: "yes, please".into(),
    };
    store.record_consent(&tenant, jane.id, &consent, now()).await.expect("consent");
    let (mut walked, mut below) = (Vec::new(), None);
    loop {
        let page = store.fact_page(tenant.id, jane.id, below.as_ref(), 2).await.expect("page");
        walked.extend(page.facts);
        below = page.next_below;
        if below.is_none() {
            break;
        }
    }
    walked.reverse();
    assert_eq!(walked, facts);
}

/// Each tries again with what it found.
pub async fn of_many_writers_of_one_contact_none_loses_a_fact(store: &impl AnyStore) {
    let tenant = tenant();
    let jane = create(store, &tenant, profile("jane@example.com")).await;
    let one = async |n: i64| {
        let mut before = jane.clone();
        for _ in 0..200 {
            let new = fact(n, &format!("e{n}"), "email.opened");
            let known = store.facts(tenant.id, jane.id, None).await.expect("read");
            let score = fold(known.iter().chain([&new]), &ScoringRules::default(), None).score;
            let profile = before.profile.clone();
            let write = LedgerWrite { before: before.clone(), profile, score, facts: vec![new] };
            match store.record(&tenant, write, now()).await {
                Ok(Recorded::Done(_)) => return,
                Ok(Recorded::Refused { standing: Some(Standing::Held(found)), .. }) => before = *found,
                Ok(other) => panic!("{other:?}"),
                // Two transactions at once are one too many.
                Err(crate::StoreError::Unavailable(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("writer {n} had no turn");
    };
    join_all((1..=8).map(one)).await;
    let Standing::Held(after) = at(store, &tenant, "jane@example.com").await else { panic!("no contact") };
    assert_eq!((after.score, after.version), (8, 9));
    assert_eq!(store.facts(tenant.id, jane.id, None).await.expect("read").len(), 8);
}

/// So that no other write makes the next event count from nothing.
pub async fn an_update_keeps_where_the_fold_stands(store: &impl AnyStore) {
    let tenant = tenant();
    let before = create(store, &tenant, profile("jane@example.com")).await;
    let facts = vec![fact(1, "e1", "email.replied"), fact(2, "e2", "email.unsubscribed")];
    let scored = recorded(record(store, &tenant, adding(&before, facts)).await);
    assert!(scored.fold.last_set.is_some());
    let named = Profile { company: Some("Acme".into()), ..scored.profile.clone() };
    let after = done(write(store, &tenant, change(&scored, named)).await);
    assert_eq!((after.score, &after.fold), (scored.score, &scored.fold));
    assert_eq!(at(store, &tenant, "jane@example.com").await, held(&after));
}

/// And for nobody else's.
pub async fn a_fact_waits_for_the_contact_of_its_address(store: &impl AnyStore) {
    let tenant = tenant();
    let email = |text: &str| Email::parse(text).expect("an address");
    let jane = email("jane@example.com");
    let facts = [fact(1, "a", "email.opened"), fact(1, "b", "email.clicked"), fact(2, "a", "email.opened")];
    assert!(!store.parks(tenant.id).await.expect("read"));
    for n in [2, 0, 1, 0] {
        store.park(&tenant, &jane, &facts[n]).await.expect("park");
    }
    assert!(store.parks(tenant.id).await.expect("read"));
    assert!(!store.parks(crate::testing::tenant().id).await.expect("read"));
    assert_eq!(store.parked(&tenant, &jane).await.expect("read"), facts);
    assert_eq!(store.parked(&tenant, &email("joe@example.com")).await.expect("read"), []);
    assert_eq!(store.parked(&crate::testing::tenant(), &jane).await.expect("read"), []);
    for _ in 0..2 {
        store.unpark(&tenant, &jane, &facts[1].position).await.expect("unpark");
    }
    let left = [facts[0].clone(), facts[2].clone()];
    assert_eq!(store.parked(&tenant, &jane).await.expect("read"), left);
}

/// Neither what was recorded nor what waits.
pub async fn an_erasure_leaves_no_fact(store: &impl AnyStore) {
    let tenant = tenant();
    let jane = create(store, &tenant, profile("jane@example.com")).await;
    let facts: Vec<Fact> = (0..99).map(|n| fact(n, &format!("e{n}"), "email.opened")).collect();
    let jane = recorded(record(store, &tenant, adding(&jane, facts)).await);
    let facts: Vec<Fact> = (99..120).map(|n| fact(n, &format!("e{n}"), "email.opened")).collect();
    let jane = recorded(record(store, &tenant, adding(&jane, facts)).await);
    let other = Email::parse("joe@example.com").expect("an address");
    for email in [&jane.profile.email, &other] {
        store.park(&tenant, email, &fact(500, "late", "email.opened")).await.expect("park");
    }
    done(store.erase(&tenant, &jane, now()).await.expect("erase"));
    assert_eq!(store.facts(tenant.id, jane.id, None).await.expect("read"), []);
    let erased = Suppression::erased(now());
    assert_eq!(store.suppress(&tenant, &other, &erased, None).await.expect("suppress"), None);
    for email in [&jane.profile.email, &other] {
        assert_eq!(store.parked(&tenant, email).await.expect("read"), []);
    }
}
