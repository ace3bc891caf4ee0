//! What many fields on many contacts cost, in the units that AWS bills.

use model::{
    AttributeType, AttributeValue, Contact, Email, Field, FieldId, FieldSlug, Number, Profile, Status, Sweep,
    Tenant,
};
use store::{
    Clock, Consumed, ContactStore as _, DynamoStore, FieldStore as _, FieldWrite, Freshness, Metered as _,
    NewContact, ProfileUpdate, Write, Written,
};

use super::fresh_store;

const FIELDS: u32 = 500;
const CONTACTS: u32 = 10_000;
/// So many values and a name still fit the 1 KB of one write unit.
const VALUES: u32 = 40;

fn slug(number: u32) -> FieldSlug {
    FieldSlug::from_name(&format!("field {number}")).unwrap()
}

/// Gives each contact its share of the fields, so that all of them are in use.
fn profile(number: u32, fields: &[FieldId]) -> Profile {
    let email = format!("person-{number}@example.com");
    let values = (0..VALUES).map(|value| {
        let id = fields[((number * VALUES + value) % FIELDS) as usize];
        (id, AttributeValue::Number(Number::new(f64::from(number)).unwrap()))
    });
    let attributes = values.collect();
    Profile { attributes, ..Profile::new(Email::parse(&email).unwrap(), email, Status::Active) }
}

async fn write(store: &DynamoStore, tenant: &Tenant, writes: Vec<Write>) -> Vec<Contact> {
    let written = store.write(tenant, writes, Clock::default().now()).await.unwrap();
    let contact = |written: Result<Written, _>| match written.unwrap() {
        Written::Done(contact) => *contact,
        lost => panic!("{lost:?}"),
    };
    written.into_iter().map(contact).collect()
}

fn create(profile: Profile) -> Write {
    Write::Create(Box::new(NewContact::of(profile)))
}

async fn fields_of(store: &DynamoStore, tenant: &Tenant) -> Vec<FieldId> {
    let mut ids = Vec::new();
    for number in 0..FIELDS {
        let id = store.new_field_id(tenant, AttributeType::Number).await.unwrap();
        let field = Field::new(id, slug(number), format!("Field {number}"));
        assert!(store.insert_field(tenant, &field).await.unwrap());
        ids.push(id);
    }
    ids
}

fn units(write_units: f64, read_units: f64) -> Consumed {
    Consumed { write_units, read_units }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_fields_on_ten_thousand_contacts_cost_no_more_than_a_few_on_one() {
    let (store, tenant) = (fresh_store().await, store::testing::tenant());
    let ids = fields_of(&store, &tenant).await;
    let loading = store.metered();
    let mut last = Vec::new();
    for block in 0..CONTACTS / 500 {
        let writes = (0..500).map(|n| create(profile(block * 500 + n, &ids)));
        last = write(&loading, &tenant, writes.collect()).await;
    }
    // A slot in 24 to a unit, a unit a contact, and a lease for each block.
    let per_contact = loading.consumed().write_units / f64::from(CONTACTS);
    assert!((1.0..1.1).contains(&per_contact), "{per_contact} write units a contact");

    let one = store.metered();
    write(&one, &tenant, vec![create(profile(CONTACTS, &ids))]).await;
    assert!(one.consumed().write_units <= 3.0, "{:?}", one.consumed());

    let contact = last.pop().unwrap();
    let read = store.metered();
    read.standings(&tenant, std::slice::from_ref(&contact.profile.email)).await.unwrap();
    assert_eq!(read.consumed(), units(0.0, 1.0));

    let patch = store.metered();
    let mut changed = contact.profile.clone();
    changed.attributes.insert(ids[7], AttributeValue::Number(Number::new(7.0).unwrap()));
    let update =
        ProfileUpdate { before: contact, profile: changed, replaces: None, consent: None, origin: None };
    write(&patch, &tenant, vec![Write::Update(Box::new(update))]).await;
    assert_eq!(patch.consumed(), units(1.0, 0.0));

    // Reading the definitions: once a minute and instance.
    let definitions = store.metered();
    let fields = definitions.fields(&tenant, Freshness::Strong).await.unwrap();
    assert_eq!(fields.count(), 500);
    assert!(definitions.consumed().read_units <= 20.0, "{:?}", definitions.consumed());

    let before = fields.by_id(ids[3]).unwrap();
    let named = Field { name: "Sector".into(), ..before.clone() };
    let label = store.metered();
    assert_eq!(label.replace_field(&tenant, before, named.clone()).await.unwrap(), FieldWrite::Done);
    assert_eq!(label.consumed(), units(1.0, 0.0));
    let rename = store.metered();
    let before = Field { revision: 1, ..named };
    let renamed = Field { slug: FieldSlug::from_name("sector").unwrap(), ..before.clone() };
    assert_eq!(rename.replace_field(&tenant, &before, renamed.clone()).await.unwrap(), FieldWrite::Done);
    // Two records, all or nothing, is what a transaction bills twice.
    assert_eq!(rename.consumed(), units(4.0, 0.0));
    let retype = store.metered();
    let before = Field { revision: 2, ..renamed };
    let id = FieldId { kind: AttributeType::Text, number: FIELDS + 1 };
    let retyped = before.clone().retyped(id, Sweep::from_ordinal(CONTACTS));
    assert_eq!(retype.replace_field(&tenant, &before, retyped).await.unwrap(), FieldWrite::Done);
    assert_eq!(retype.consumed(), units(1.0, 0.0));

    let count = store.metered();
    assert_eq!(count.count(&tenant).await.unwrap(), u64::from(CONTACTS) + 1);
    // 8 KB of contacts to an eventually consistent read unit.
    assert!(count.consumed().read_units <= f64::from(CONTACTS) / 8.0, "{:?}", count.consumed());
}
