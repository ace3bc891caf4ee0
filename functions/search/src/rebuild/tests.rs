use api::testing::{Client, Reply};
use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use index::{Change, Facts, IndexTable, Item, ItemKey, Kind, MembersPlace, SetPlace, Term};
use model::{Contact, Email, Profile, Status};
use serde_json::{Value, json};
use store::testing::{MemoryStore, stored_tenant};
use store::{
    Clock, ContactStore, NewContact, TenantStore, Write, Written, index_generation, written_generations,
};

use super::*;

const COMPANY: u16 = 5;

/// A tenant, an indexer of its changes, and somebody who rebuilds.
struct World {
    store: MemoryStore,
    tenant: Tenant,
    now: DateTime<Utc>,
}

impl World {
    async fn new() -> Self {
        let store = MemoryStore::default();
        let tenant = stored_tenant(&store).await;
        Self { store, tenant, now: "2026-11-23T12:00:00Z".parse().unwrap() }
    }

    fn wait(&mut self, seconds: u64) {
        self.now += TimeDelta::seconds(seconds as i64);
    }

    /// Creates a contact, and indexes it as whoever reads the tenant now does.
    async fn create(&self, email: &str, company: &str) {
        let address = Email::parse(email).unwrap();
        let profile =
            Profile { company: Some(company.to_owned()), ..Profile::new(address, email, Status::Active) };
        let contact = NewContact::of(profile);
        let write = vec![Write::Create(Box::new(contact))];
        let written = self.store.write(&self.tenant, write, self.now).await.unwrap();
        let Some(Ok(Written::Done(contact))) = written.into_iter().next() else { panic!("not created") };
        self.index(&contact).await;
    }

    async fn index(&self, contact: &Contact) {
        let tenant = self.tenant().await;
        let facts = ContactFacts { store: &self.store, tenant: &tenant };
        let change = Change::Image { ordinal: contact.ordinal.0, old: None, new: Facts::of(contact) };
        for generation in written_generations(&tenant, self.now) {
            Writer::new(&self.store, &facts, generation).apply(std::slice::from_ref(&change)).await.unwrap();
        }
    }

    async fn tenant(&self) -> Tenant {
        self.store.tenant(self.tenant.id).await.unwrap().unwrap()
    }

    /// Another instance each time, which has nothing in memory.
    async fn post(&self, path: &str, body: Value) -> Reply {
        let app = App::new(self.store.clone(), Clock::starting_at(self.now));
        let router = crate::routes(&app).into_router(&app);
        let client = Client::new(router, &self.store, &self.tenant, &["contacts:read", "index:write"]).await;
        client.json(Method::POST, path, body).await
    }

    /// Goes a step on, and gives the phase after it and how long to wait.
    async fn step(&self, begin: bool) -> (String, u64) {
        let Reply { status, json, .. } = self.post("/api/v1/index/rebuild", json!({"begin": begin})).await;
        assert_eq!(status, 200, "{json}");
        (json["phase"].as_str().unwrap().to_owned(), json["wait_s"].as_u64().unwrap())
    }

    async fn count(&self, query: &str) -> Value {
        self.post("/api/v1/contacts/count", json!({ "query": query })).await.json["count"].clone()
    }

    async fn items(&self, number: u8) -> usize {
        let generation = generation(&self.tenant, number);
        let partition = generation.partition(Kind::Terms, COMPANY, 0);
        self.store.query(&partition, &[], usize::MAX).await.unwrap().len()
    }
}

fn phase_of(step: &(String, u64)) -> &str {
    &step.0
}

#[tokio::test]
async fn an_index_is_built_anew_while_contacts_come_and_is_free_of_what_lay_there() {
    let mut world = World::new().await;
    world.create("jane@example.com", "Acme").await;
    // No audit is rid of this key, and who is told to be in a segment no rebuild may forget.
    let strange = index_generation(&world.tenant).partition(Kind::Terms, COMPANY, 0);
    let strange = ItemKey { partition: strange, sort: vec![1, 2, 3] };
    let member = MembersPlace::of(7, 0).key(&index_generation(&world.tenant));
    for key in [&strange, &member] {
        let item = Item { data: vec![b'B'], nonce: [1; 8] };
        assert!(world.store.put(key, item, None).await.unwrap());
    }
    assert_eq!(world.step(false).await, ("idle".to_owned(), 0));

    let begun = world.step(true).await;
    assert_eq!(begun, ("announced".to_owned(), 70));
    // Whoever asks again waits for the same.
    assert_eq!(world.step(true).await, begun);
    world.create("bob@example.com", "Globex").await;
    assert_eq!((world.items(0).await, world.items(1).await), (3, 0));
    world.wait(70);
    assert_eq!(phase_of(&world.step(false).await), "building");
    world.create("amy@example.com", "Initech").await;
    assert_eq!((world.items(0).await, world.items(1).await), (4, 3), "both are written");
    let switched = world.step(false).await;
    assert_eq!(switched, ("switched".to_owned(), 125));
    assert_eq!(world.tenant().await.generations.current, 1);
    for company in ["acme", "globex", "initech"] {
        assert_eq!(world.count(&format!("company:{company}")).await, 1, "{company}");
    }
    // Who knows of the switch already writes also for whoever does not.
    world.create("ben@example.com", "Hooli").await;
    assert_eq!((world.items(0).await, world.items(1).await), (5, 4));
    world.wait(125);
    world.create("zoe@example.com", "Umbrella").await;
    assert_eq!((world.items(0).await, world.items(1).await), (5, 5));
    assert_eq!(world.step(false).await, ("idle".to_owned(), 0));
    assert_eq!((world.items(0).await, world.items(1).await), (0, 5));
    assert_eq!(world.count("has:company").await, 5);
    assert!(world.store.get(&member).await.unwrap().is_some(), "members are of no generation");
    let audit = world.post("/api/v1/index/audit", json!({"settle_s": 0})).await.json;
    assert_eq!((&audit["differences"], &audit["strange_keys"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn a_second_rebuild_follows_the_first_and_what_an_old_writer_left_under_its_number_is_put_right() {
    let mut world = World::new().await;
    world.create("jane@example.com", "Acme").await;
    // As if number one had been used before.
    let term = SetPlace { container: 0, sub: None }.key_of(&Term::value("acme"));
    let partition = generation(&world.tenant, 1).partition(Kind::Terms, COMPANY, 0);
    let ghost = Item { data: index::WholeSet::List(vec![0, 9, 77]).encode(), nonce: [3; 8] };
    assert!(world.store.put(&ItemKey { partition, sort: term }, ghost, None).await.unwrap());
    for number in [1, 2] {
        let mut step = world.step(true).await;
        for _ in 0..8 {
            world.wait(step.1);
            step = world.step(false).await;
        }
        assert_eq!(step, ("idle".to_owned(), 0));
        let generations = world.tenant().await.generations;
        assert_eq!((generations.current, generations.latest), (number, number));
        assert_eq!(world.count("company:acme").await, 1);
        let audit = world.post("/api/v1/index/audit", json!({"settle_s": 0})).await.json;
        assert_eq!((&audit["differences"], &audit["leftovers"]), (&json!([]), &json!(0)));
    }
}

#[tokio::test]
async fn a_rebuild_needs_its_scope_and_sound_members() {
    let world = World::new().await;
    let reply = world.post("/api/v1/index/rebuild", json!({"begin": 1})).await;
    assert_eq!((reply.status, &reply.json["errors"][0]["pointer"]), (422, &json!("/begin")));
    let app = App::new(world.store.clone(), Clock::default());
    let router = crate::routes(&app).into_router(&app);
    let reader = Client::new(router, &world.store, &world.tenant, &["contacts:read"]).await;
    assert_eq!(reader.json(Method::POST, "/api/v1/index/rebuild", json!({})).await.status, 403);
}
