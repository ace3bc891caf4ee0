//! Records as the stream has them, and what the index then answers.

mod living;

use chrono::{DateTime, Utc};
use model::rule::{Moment, NoLists, Rule, Zone, bind};
use model::{Contact, Email, Fields, Profile, Status};
use serde_json::json;
use serde_json::value::to_raw_value;
use store::testing::{CallFaults, MemoryBus, MemoryStore, Moment as Crash, stored_tenant};
use store::{ContactSearch, ContactStore, NewContact, ProfileUpdate, Write, Written};

use super::*;

mod segments;

fn now() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

async fn handle(deps: &Deps<MemoryStore, MemoryBus>, event: Value) -> Result<Value, IndexerError> {
    super::handle(deps, &to_raw_value(&event).unwrap()).await
}

struct World {
    store: MemoryStore,
    deps: Deps<MemoryStore, MemoryBus>,
    bus: MemoryBus,
    tenant: Tenant,
}

impl World {
    async fn new() -> Self {
        let store = MemoryStore::default();
        let tenant = stored_tenant(&store).await;
        let bus = MemoryBus::default();
        Self { deps: Deps::new(store.clone(), bus.clone(), Clock::starting_at(now())), bus, store, tenant }
    }

    async fn write(&self, write: Write) -> Contact {
        match self.store.write(&self.tenant, vec![write], now()).await.unwrap().remove(0).unwrap() {
            Written::Done(contact) => *contact,
            Written::Lost { .. } => panic!("lost"),
        }
    }

    async fn create(&self, email: &str, company: &str) -> Contact {
        let profile = profile(email, company);
        self.write(Write::Create(Box::new(NewContact::of(profile)))).await
    }

    async fn update(&self, before: Contact, profile: Profile) -> Contact {
        let update = ProfileUpdate { before, profile, replaces: None, consent: None, origin: None };
        self.write(Write::Update(Box::new(update))).await
    }

    /// Makes a record as the stream has it; `number` is its place there.
    fn record(&self, number: u32, before: Option<&Contact>, after: Option<&Contact>) -> Value {
        let keys = json!({"tenant": {"S": format!("{}#3", self.tenant.id)}, "address": {"S": "hash"}});
        json!({"dynamodb": {
            "Keys": keys,
            "SequenceNumber": number.to_string(),
            "OldImage": before.map(image),
            "NewImage": after.map(image),
        }})
    }

    async fn deliver(&self, records: &[Value]) -> Value {
        handle(&self.deps, json!({ "Records": records })).await.unwrap()
    }

    /// Gives the addresses of whom a query means.
    async fn found(&self, query: &str) -> Vec<String> {
        let moment = Moment::new(now(), Zone::utc());
        let (rule, _) = bind(&Rule::parse(query).unwrap(), &Fields::default(), &NoLists, &moment).unwrap();
        let search = ContactSearch { store: &self.store, tenant: &self.tenant };
        let matches = search.find(rule, None).await.unwrap();
        let page = search.page(&matches, None, 50).await.unwrap();
        assert_eq!(matches.total(), page.contacts.len() as u64);
        page.contacts.into_iter().map(|(_, contact)| contact.profile.email.to_string()).collect()
    }
}

fn profile(email: &str, company: &str) -> Profile {
    let email = Email::parse(email).unwrap();
    Profile {
        company: Some(company.to_owned()),
        ..Profile::new(email.clone(), email.as_str(), Status::Active)
    }
}

/// Spells a contact as DynamoDB's JSON, of what these tests set.
fn image(contact: &Contact) -> Value {
    use base64::Engine;
    let id = base64::prelude::BASE64_STANDARD.encode(contact.id.as_uuid().as_bytes());
    json!({
        "email": {"S": contact.profile.email},
        "id": {"B": id},
        "ord": {"N": contact.ordinal.0.to_string()},
        "ver": {"N": contact.version.to_string()},
        "made": {"N": contact.created_at.timestamp_millis().to_string()},
        "upd": {"N": contact.updated_at.timestamp_millis().to_string()},
        "st": {"S": contact.profile.status.as_str()},
        "comp": {"S": contact.profile.company.clone().unwrap_or_default()},
        "score": {"N": contact.score.to_string()},
    })
}

#[tokio::test]
async fn what_is_created_changed_and_deleted_is_found_as_it_is() {
    let world = World::new().await;
    let jane = world.create("jane@example.com", "Acme").await;
    let bob = world.create("bob@example.com", "Acme").await;
    let created = [world.record(1, None, Some(&jane)), world.record(2, None, Some(&bob))];
    assert_eq!(world.deliver(&created).await, json!({"batchItemFailures": []}));
    assert_eq!(world.found("company:acme").await, ["bob@example.com", "jane@example.com"]);

    let changed = world.update(jane.clone(), profile("jane@example.com", "Globex")).await;
    world.deliver(&[world.record(3, Some(&jane), Some(&changed))]).await;
    assert_eq!(world.found("company:acme").await, ["bob@example.com"]);
    assert_eq!(world.found("company:globex").await, ["jane@example.com"]);

    world.store.delete(&world.tenant, &bob, now()).await.unwrap();
    let deleted = [world.record(4, Some(&bob), None)];
    world.deliver(&deleted).await;
    world.deliver(&deleted).await;
    assert!(world.found("company:acme").await.is_empty());
    assert_eq!(world.found("-company:acme").await, ["jane@example.com"]);
}

#[tokio::test]
async fn a_contact_that_moved_is_found_whichever_of_its_records_comes_first() {
    for order in [[0, 1], [1, 0]] {
        let world = World::new().await;
        let before = world.create("old@example.com", "Acme").await;
        world.deliver(&[world.record(1, None, Some(&before))]).await;
        let after = world.update(before.clone(), profile("new@example.com", "Globex")).await;
        assert_eq!((after.ordinal, after.version), (before.ordinal, 2));
        let records = [world.record(2, Some(&before), None), world.record(3, None, Some(&after))];
        for record in order {
            world.deliver(&records[record..=record]).await;
        }
        assert_eq!(world.found("company:globex").await, ["new@example.com"]);
        assert!(world.found("company:acme").await.is_empty());
    }
}

#[tokio::test]
async fn what_cannot_be_applied_is_delivered_again_from_there_on() {
    let world = World::new().await;
    let jane = world.create("jane@example.com", "Acme").await;
    let record = world.record(7, None, Some(&jane));
    for moment in [Crash::Before, Crash::After] {
        let mut calls = 0;
        loop {
            let store = world.store.failing(CallFaults::crash(calls, moment));
            let answer = handle(
                &Deps::new(store, MemoryBus::default(), Clock::starting_at(now())),
                json!({"Records": [record]}),
            )
            .await;
            match answer {
                Ok(answer) if answer == json!({"batchItemFailures": []}) => break,
                Ok(answer) => assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "7"}]})),
                Err(error) => assert!(matches!(error, IndexerError::Tenant(_)), "{error}"),
            }
            calls += 1;
        }
        assert!(calls > 3, "nothing failed");
    }
    world.deliver(&[record]).await;
    assert_eq!(world.found("company:acme").await, ["jane@example.com"]);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_does_not_hold_up_those_before_it() {
    let world = World::new().await;
    let jane = world.create("jane@example.com", "Acme").await;
    let poison = json!({"dynamodb": {"SequenceNumber": "9", "Keys": {"tenant": {"S": "nobody"}}}});
    let records = [world.record(8, None, Some(&jane)), poison, world.record(10, None, Some(&jane))];
    assert_eq!(world.deliver(&records).await, json!({"batchItemFailures": [{"itemIdentifier": "9"}]}));
    assert_eq!(world.found("company:acme").await, ["jane@example.com"]);
    let error = handle(&world.deps, json!({"Records": [{}]})).await;
    assert!(matches!(error, Err(IndexerError::NotARecord)));
}

#[tokio::test]
async fn the_birth_of_a_contact_that_its_import_indexes_is_left_to_the_import() {
    use base64::Engine;
    let world = World::new().await;
    let jane = world.create("jane@example.com", "Acme").await;
    let with_origin = |number, tag: u8, before: Option<&Contact>| {
        let origin = [&[tag][..], &[7; 17]].concat();
        let mut record = world.record(number, before, Some(&jane));
        record["dynamodb"]["NewImage"]["src"] = json!({"B": base64::prelude::BASE64_STANDARD.encode(origin)});
        record
    };
    world.deliver(&[with_origin(1, b'b', None)]).await;
    assert!(world.found("company:acme").await.is_empty());
    world.deliver(&[with_origin(2, b'c', None)]).await;
    assert_eq!(world.found("company:acme").await, ["jane@example.com"]);
    let changed = world.update(jane.clone(), profile("jane@example.com", "Globex")).await;
    let mut record = world.record(3, Some(&jane), Some(&changed));
    record["dynamodb"]["NewImage"]["src"] = with_origin(3, b'b', None)["dynamodb"]["NewImage"]["src"].clone();
    world.deliver(&[record]).await;
    assert_eq!(world.found("company:globex").await, ["jane@example.com"]);
}

/// Gives the events that were told, by name, contact and version.
fn told(world: &World) -> Vec<(&'static str, model::ContactId, u64)> {
    let events = world.bus.take_announced().into_iter();
    let about = |event: &store::DomainEvent| match event.about {
        store::About::Contact { id, version, .. } => (id, version),
        store::About::Import(_) => panic!("not of a contact: {event:?}"),
    };
    events
        .map(|event| (event.kind.as_str(), about(&event)))
        .map(|(kind, (id, version))| (kind, id, version))
        .collect()
}

#[tokio::test]
async fn what_happens_to_contacts_is_told_and_told_again_under_the_same_ids() {
    let world = World::new().await;
    let jane = world.create("jane@example.com", "Acme").await;
    let changed = world.update(jane.clone(), profile("jane@example.com", "Globex")).await;
    let warm = Contact { score: 20, version: 3, ..changed.clone() };
    let still_warm = Contact { score: 25, version: 4, ..changed.clone() };
    let records = [
        world.record(1, None, Some(&jane)),
        world.record(2, Some(&jane), Some(&changed)),
        world.record(3, Some(&changed), Some(&warm)),
        world.record(4, Some(&warm), Some(&still_warm)),
        world.record(5, Some(&still_warm), Some(&still_warm)),
    ];
    world.deliver(&records).await;
    let events = world.bus.take_announced();
    let names: Vec<_> = events
        .iter()
        .map(|event| (event.kind.as_str(), event.detail()["version"].as_u64().unwrap()))
        .collect();
    assert_eq!(names, [("contact.created", 1), ("contact.updated", 2), ("score.tier_changed", 3)]);
    let detail = events[2].detail();
    assert_eq!(
        (&detail["from"], &detail["to"], &detail["score"]),
        (&json!("cold"), &json!("warm"), &json!(20))
    );
    world.deliver(&records).await;
    let again = world.bus.take_announced();
    assert_eq!(
        again.iter().map(DomainEvent::id).collect::<Vec<_>>(),
        events.iter().map(DomainEvent::id).collect::<Vec<_>>()
    );
    assert!(!format!("{events:?}").contains("example.com"), "{events:?}");
}

#[tokio::test]
async fn a_contact_that_moved_is_told_as_changed_and_one_that_is_gone_as_deleted() {
    let world = World::new().await;
    let before = world.create("old@example.com", "Acme").await;
    let after = world.update(before.clone(), profile("new@example.com", "Acme")).await;
    world.deliver(&[world.record(1, Some(&before), None), world.record(2, None, Some(&after))]).await;
    assert_eq!(told(&world), [("contact.updated", after.id, 2)]);
    world.store.delete(&world.tenant, &after, now()).await.unwrap();
    world.deliver(&[world.record(3, Some(&after), None)]).await;
    assert_eq!(told(&world), [("contact.deleted", after.id, 2)]);
}

#[tokio::test]
async fn what_the_bus_does_not_take_is_delivered_again() {
    let world = World::new().await;
    let jane = world.create("jane@example.com", "Acme").await;
    let record = world.record(7, None, Some(&jane));
    world.bus.be_down(true);
    let again = json!({"batchItemFailures": [{"itemIdentifier": "7"}]});
    assert_eq!(world.deliver(std::slice::from_ref(&record)).await, again);
    assert_eq!(world.found("company:acme").await, ["jane@example.com"]);
    world.bus.be_down(false);
    world.deliver(&[record]).await;
    assert_eq!(told(&world), [("contact.created", jane.id, 1)]);
}
