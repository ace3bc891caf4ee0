//! What calls cost, for contacts up to 1 KB: the bill on AWS.

use model::{Contact, Email, Profile, Standing, Status, Tenant};
use store::{
    Clock, Consumed, ContactStore as _, DynamoStore, Metered as _, NewContact, ProfileUpdate, Write, Written,
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

async fn create(store: &DynamoStore, tenant: &Tenant, email: &str) -> (Contact, Consumed) {
    let metered = store.metered();
    let new = NewContact { profile: profile(email), replaces: None, consent: None, origin: None };
    let contact = write(&metered, tenant, Write::Create(Box::new(new))).await;
    (contact, metered.consumed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_costs_two_write_units_and_the_first_of_a_lease_one_more() {
    let (store, tenant) = (fresh_store().await, store::testing::tenant());
    let (_, first) = create(&store, &tenant, "a@example.com").await;
    assert_eq!(first, Consumed { write_units: 3.0, read_units: 0.0 });
    let (_, further) = create(&store, &tenant, "b@example.com").await;
    assert_eq!(further, Consumed { write_units: 2.0, read_units: 0.0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_costs_one_write_unit() {
    let (store, tenant) = (fresh_store().await, store::testing::tenant());
    let (before, _) = create(&store, &tenant, "a@example.com").await;
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
    let (contact, _) = create(&store, &tenant, "a@example.com").await;

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
