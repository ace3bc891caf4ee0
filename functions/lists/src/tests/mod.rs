mod events;
mod jobs;
mod lists;
mod members;
mod rules;
mod walks;

use api::App;
use api::testing::{Client, Reply};
use axum::http::Method;
use index::{Change, Facts, Writer};
use model::{AttributeType, AttributeValue, Contact, Email, FieldSlug, Number, Profile, Status, Tenant};
use serde_json::{Value, json};
use store::testing::{MemoryStore, stored_tenant};
use store::{
    Clock, Consistency, ContactFacts, ContactStore, FieldStore, NewContact, Write, Written, index_generation,
};

const NOW: &str = "2026-11-23T12:00:00Z";

/// Is a tenant with a few contacts, and its API.
struct Ground {
    store: MemoryStore,
    tenant: Tenant,
    client: Client,
}

/// Makes contacts `c0` to `c<count - 1>`, of industry `even` or `odd` and with their number as
/// budget; `c0` is unsubscribed.
async fn ground(count: usize) -> Ground {
    let store = MemoryStore::default();
    let tenant = stored_tenant(&store).await;
    let industry = field(&store, &tenant, "Industry", AttributeType::Text).await;
    let budget = field(&store, &tenant, "Budget", AttributeType::Number).await;
    let mut writes = Vec::new();
    for n in 0..count {
        let email = Email::parse(&format!("c{n}@example.com")).unwrap();
        let status = if n == 0 { Status::Unsubscribed } else { Status::Active };
        let mut profile = Profile::new(email.clone(), email.to_string(), status);
        let parity = if n % 2 == 0 { "even" } else { "odd" };
        profile.attributes.insert(industry, AttributeValue::Text(parity.to_owned()));
        profile.attributes.insert(budget, AttributeValue::Number(Number::new(n as f64).unwrap()));
        let contact = NewContact::of(profile);
        writes.push(Write::Create(Box::new(contact)));
    }
    for written in store.write(&tenant, writes, NOW.parse().unwrap()).await.unwrap() {
        assert!(matches!(written, Ok(Written::Done(_))));
    }
    let app = App::new(store.clone(), Clock::starting_at(NOW.parse().unwrap()));
    let router = crate::routes(&app).into_router(&app);
    let scopes = ["contacts:read", "lists:read", "lists:write"];
    let client = Client::new(router, &store, &tenant, &scopes).await;
    let ground = Ground { store, tenant, client };
    ground.index().await;
    ground
}

async fn field(store: &MemoryStore, tenant: &Tenant, name: &str, kind: AttributeType) -> model::FieldId {
    let slug = FieldSlug::from_name(name).unwrap();
    store.define_field(tenant, &slug, name, kind).await.unwrap().id
}

impl Ground {
    /// Brings the index up to date, as the indexer does.
    async fn index(&self) {
        let facts = ContactFacts { store: &self.store, tenant: &self.tenant };
        let contacts = self.contacts().await;
        let moved = contacts.iter().map(|contact| Change::Image {
            ordinal: contact.ordinal.0,
            old: None,
            new: Facts::of(contact),
        });
        let changes: Vec<Change> = moved.collect();
        let writer = Writer::new(&self.store, &facts, index_generation(&self.tenant));
        // Of a list that a contact left the old image is not known here: what is left tells.
        writer.apply(&changes).await.unwrap();
        let left = contacts.iter().map(|contact| {
            let mut old = Facts::of(contact);
            let on: Vec<_> = (0..20).map(model::ListNumber).collect();
            let everywhere = Contact {
                profile: Profile { lists: on.into_iter().collect(), ..contact.profile.clone() },
                ..contact.clone()
            };
            old.terms = Facts::of(&everywhere).terms;
            Change::Image { ordinal: contact.ordinal.0, old: Some(old), new: Facts::of(contact) }
        });
        writer.apply(&left.collect::<Vec<_>>()).await.unwrap();
    }

    async fn contacts(&self) -> Vec<Contact> {
        let next = self.store.ordinals(&self.tenant).await.unwrap();
        let all: Vec<model::Ordinal> = (0..next.0).map(model::Ordinal).collect();
        self.store.by_ordinals(&self.tenant, &all, Consistency::Strong).await.unwrap()
    }

    async fn contact(&self, email: &str) -> Contact {
        let found = self.contacts().await.into_iter().find(|contact| contact.profile.email.as_str() == email);
        found.unwrap()
    }

    async fn get(&self, path: &str) -> Reply {
        self.client.call(Method::GET, &format!("/api/v1/lists{path}")).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.client.json(Method::POST, &format!("/api/v1/lists{path}"), body).await
    }

    async fn patch(&self, path: &str, body: Value) -> Reply {
        self.client.json(Method::PATCH, &format!("/api/v1/lists{path}"), body).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.client.call(Method::DELETE, &format!("/api/v1/lists{path}")).await
    }

    /// Makes a list and gives its id.
    async fn made(&self, name: &str, query: Option<&str>) -> String {
        let body = match query {
            Some(query) => json!({"name": name, "type": "dynamic", "query": query}),
            None => json!({"name": name, "type": "static"}),
        };
        let reply = self.post("", body).await;
        assert_eq!(reply.status, 201, "{name}: {}", reply.json);
        reply.json["id"].as_str().unwrap().to_owned()
    }

    /// Puts contacts on a list and indexes that.
    async fn put(&self, id: &str, add: &[&str]) {
        let reply = self.post(&format!("/{id}/contacts"), json!({"add": add})).await;
        assert_eq!((reply.status, &reply.json["failed"]), (200, &json!(0)), "{}", reply.json);
        self.index().await;
    }

    /// Gives the addresses of a page.
    async fn emails(&self, path: &str) -> Vec<String> {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.json);
        emails(&reply)
    }
}

fn emails(reply: &Reply) -> Vec<String> {
    let items = reply.json["items"].as_array().unwrap().iter();
    items.map(|contact| contact["email"].as_str().unwrap().to_owned()).collect()
}
