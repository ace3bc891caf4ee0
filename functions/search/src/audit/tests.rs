use api::testing::{Client, Reply};
use axum::http::Method;
use index::{Change, Facts, Item, ItemKey, Kind, SetPlace, Term};
use model::{Contact, Email, Profile, Status, Tenant};
use serde_json::{Value, json};
use store::testing::{MemoryStore, stored_tenant};
use store::{Clock, ContactStore, NewContact, Write, Written};

use super::*;

const COMPANY: u16 = 5;

struct World {
    store: MemoryStore,
    tenant: Tenant,
    client: Client,
}

impl World {
    async fn new() -> Self {
        let store = MemoryStore::default();
        let tenant = stored_tenant(&store).await;
        let app = App::new(store.clone(), Clock::default());
        let router = crate::routes(&app).into_router(&app);
        let client = Client::new(router, &store, &tenant, &["contacts:read", "index:write"]).await;
        Self { store, tenant, client }
    }

    /// Creates a contact, of which the index is not told.
    async fn create(&self, email: &str, company: &str) -> Contact {
        let address = Email::parse(email).unwrap();
        let profile =
            Profile { company: Some(company.to_owned()), ..Profile::new(address, email, Status::Active) };
        let contact = NewContact::of(profile);
        let write = vec![Write::Create(Box::new(contact))];
        let written = self.store.write(&self.tenant, write, Clock::default().now()).await.unwrap();
        let Some(Ok(Written::Done(contact))) = written.into_iter().next() else { panic!("not created") };
        *contact
    }

    async fn apply(&self, changes: &[Change]) {
        let facts = ContactFacts { store: &self.store, tenant: &self.tenant };
        let writer = Writer::new(&self.store, &facts, index_generation(&self.tenant));
        writer.apply(changes).await.unwrap();
    }

    async fn audit(&self, repair: bool) -> Value {
        let body = json!({"repair": repair, "settle_s": 0});
        let Reply { status, json, .. } = self.client.json(Method::POST, "/api/v1/index/audit", body).await;
        assert_eq!(status, 200, "{json}");
        json
    }

    async fn count(&self, query: &str) -> Value {
        let body = json!({ "query": query });
        self.client.json(Method::POST, "/api/v1/contacts/count", body).await.json["count"].clone()
    }
}

fn image(contact: &Contact) -> Change {
    Change::Image { ordinal: contact.ordinal.0, old: None, new: Facts::of(contact) }
}

#[tokio::test]
async fn changes_that_were_lost_are_found_told_and_repaired() {
    let world = World::new().await;
    let jane = world.create("jane@example.com", "Acme").await;
    world.create("bob@example.com", "Globex").await;
    world.apply(&[image(&jane)]).await;
    assert_eq!(world.count("has:company").await, 1);

    let checked = world.audit(false).await;
    assert!(checked["left"].as_u64() > Some(4), "{checked}");
    assert_eq!((&checked["contacts"], &checked["next"]), (&json!(2), &json!(null)));
    let company =
        checked["differences"].as_array().unwrap().iter().find(|d| d["field"] == "company").unwrap();
    assert_eq!(
        (&company["value"], &company["missing"], &company["extra"]),
        (&json!("globex"), &json!(1), &json!(0))
    );
    assert_eq!(world.count("has:company").await, 1);

    let repaired = world.audit(true).await;
    assert_eq!((&repaired["differences"], &repaired["left"]), (&checked["differences"], &json!(0)));
    assert_eq!(world.count("has:company").await, 2);
    let clean = world.audit(true).await;
    assert_eq!((&clean["differences"], &clean["leftovers"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn what_a_lost_delete_left_is_found() {
    let world = World::new().await;
    let jane = world.create("jane@example.com", "Acme").await;
    world.apply(&[image(&jane)]).await;
    world.store.delete(&world.tenant, &jane, Clock::default().now()).await.unwrap();
    assert_eq!(world.count("has:company").await, 1);
    let repaired = world.audit(true).await;
    assert_eq!(repaired["differences"][0]["field"], "contacts");
    assert_eq!(repaired["differences"].as_array().unwrap().len(), 1);
    assert!(repaired["leftovers"].as_u64() > Some(0) && repaired["left"] == 0, "{repaired}");
    assert_eq!(world.count("has:email").await, 0);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_written_anew() {
    let world = World::new().await;
    let jane = world.create("jane@example.com", "Acme").await;
    world.apply(&[image(&jane)]).await;
    let partition = index_generation(&world.tenant).partition(Kind::Terms, COMPANY, 0);
    let sort = SetPlace { container: 0, sub: None }.key_of(&Term::value("acme"));
    let key = ItemKey { partition, sort };
    let seen = index::IndexTable::get(&world.store, &key).await.unwrap().map(|item| item.nonce);
    let spoiled = Item { data: vec![77, 1, 2, 3], nonce: [1; 8] };
    assert!(index::IndexTable::put(&world.store, &key, spoiled, seen).await.unwrap());
    let repaired = world.audit(true).await;
    assert_eq!((&repaired["differences"][0]["unreadable"], &repaired["left"]), (&json!(true), &json!(0)));
    assert_eq!(world.count("company:acme").await, 1);
}

#[tokio::test]
async fn an_audit_needs_its_scope_and_sound_members() {
    let world = World::new().await;
    let audit = |body| world.client.json(Method::POST, "/api/v1/index/audit", body);
    for (body, pointer) in [
        (json!({"settle_s": 11}), "/settle_s"),
        (json!({"from": -1}), "/from"),
        (json!({"form": 0}), "/form"),
    ] {
        let reply = audit(body).await;
        assert_eq!((reply.status, &reply.json["errors"][0]["pointer"]), (422, &json!(pointer)));
    }
    let app = App::new(world.store.clone(), Clock::default());
    let router = crate::routes(&app).into_router(&app);
    let reader = Client::new(router, &world.store, &world.tenant, &["contacts:read"]).await;
    assert_eq!(reader.json(Method::POST, "/api/v1/index/audit", json!({})).await.status, 403);
}
