//! What calls cost, for contacts up to 1 KB: the bill on AWS.

use model::scoring::{EventId, EventType, Fact, Position, Properties, Score, ScoringRules};
use model::{Contact, Email, Profile, Standing, Status, Tenant};
use serde_json::Value;
use store::{
    Clock, Consumed, ContactStore as _, DynamoStore, LedgerStore as _, LedgerWrite, Metered as _, NewContact,
    ProfileUpdate, Recorded, Write, Written,
};

use super::fresh_store;

fn profile(email: &str) -> Profile {
    Profile {
        first_name: Some("Jane".into()),
        last_name: Some("Doe".into()),
        company: Some("x".repeat(500)),
        ..Profile::new(Email::parse(email).unwrap(), email, Status::Active)
    }
}

async fn write(store: &DynamoStore, tenant: &Tenant, write: Write) -> Contact {
    let written =
        store.write(tenant, vec![write], Clock::default().now()).await.unwrap().pop().unwrap().unwrap();
    let Written::Done(contact) = written else { panic!("{written:?}") };
    *contact
}

async fn create(store: &DynamoStore, tenant: &Tenant, email: &str) -> Contact {
    let new = NewContact::of(profile(email));
    write(store, tenant, Write::Create(Box::new(new))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_costs_two_write_units_and_the_first_of_a_lease_one_more() {
    let (store, tenant) = (fresh_store().await, store::testing::tenant());
    let metered = store.metered();
    create(&metered, &tenant, "a@example.com").await;
    assert_eq!(metered.consumed(), Consumed { write_units: 3.0, read_units: 0.0 });
    create(&metered, &tenant, "b@example.com").await;
    assert_eq!(metered.consumed(), Consumed { write_units: 5.0, read_units: 0.0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_costs_one_write_unit() {
    let (store, tenant) = (fresh_store().await, store::testing::tenant());
    let before = create(&store, &tenant, "a@example.com").await;
    let metered = store.metered();
    let update = ProfileUpdate {
        profile: Profile { job_title: Some("CTO".into()), ..before.profile.clone() },
        before,
        replaces: None,
        consent: None,
        origin: None,
    };
    write(&metered, &tenant, Write::Update(Box::new(update))).await;
    assert_eq!(metered.consumed(), Consumed { write_units: 1.0, read_units: 0.0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_costs_one_read_unit_by_email_and_two_by_id() {
    let (store, tenant) = (fresh_store().await, store::testing::tenant());
    let contact = create(&store, &tenant, "a@example.com").await;

    let by_email = store.metered();
    let standings = by_email.standings(&tenant, std::slice::from_ref(&contact.profile.email)).await.unwrap();
    assert_eq!(standings, [Standing::Held(Box::new(contact.clone()))]);
    let used = by_email.consumed();
    assert!(used.read_units <= 1.0 && used.write_units == 0.0, "{used:?}");

    let by_id = store.metered();
    assert_eq!(by_id.by_id(&tenant, contact.id).await.unwrap(), Some(contact));
    let used = by_id.consumed();
    assert!(used.read_units <= 2.0 && used.write_units == 0.0, "{used:?}");
}

fn fact(number: i64) -> Fact {
    let json = serde_json::json!({"url": "https://example.com/".to_owned() + &"x".repeat(600)});
    let Value::Object(properties) = json else { panic!("no object") };
    Fact {
        position: Position {
            occurred_at: Clock::default().now() + chrono::TimeDelta::milliseconds(number),
            event_id: EventId::parse("3f0c7c9e-8d57-4f6e-9a51-2d1f0c9b7a10").unwrap(),
        },
        kind: EventType::parse("email.opened").unwrap(),
        properties: Properties::new(properties).unwrap(),
        machine: false,
        met: Default::default(),
    }
}

/// Records facts that are newer than all others and tells what that cost.
async fn record(
    store: &DynamoStore,
    tenant: &Tenant,
    before: Contact,
    facts: Vec<Fact>,
) -> (Contact, Consumed) {
    let score = Score { points: before.score, fold: before.fold.clone() };
    let score = score.absorb(&facts, &ScoringRules::default(), Clock::default().now()).unwrap();
    let metered = store.metered();
    let profile = before.profile.clone();
    let write = LedgerWrite { before, profile, score, facts };
    match metered.record(tenant, write, Clock::default().now()).await.unwrap() {
        Recorded::Done(contact) => (*contact, metered.consumed()),
        refused @ Recorded::Refused { .. } => panic!("{refused:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_alone_costs_four_write_units_and_in_a_batch_little_more_than_two() {
    let (store, tenant) = (fresh_store().await, store::testing::tenant());
    let contact = create(&store, &tenant, "a@example.com").await;
    let (contact, alone) = record(&store, &tenant, contact, vec![fact(0)]).await;
    assert_eq!(alone, Consumed { write_units: 4.0, read_units: 0.0 });
    let facts = (1..=store::FACTS_A_WRITE as i64).map(fact).collect();
    let (_, batch) = record(&store, &tenant, contact, facts).await;
    assert_eq!(batch, Consumed { write_units: 200.0, read_units: 0.0 });
}
