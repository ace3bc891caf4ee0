//! Whole batches over the memory double, in the form in which SQS and the stream deliver them.

mod batches;
mod crashes;
mod decay;
mod refolds;
mod unknown;

use chrono::{DateTime, TimeDelta, Utc};
use model::scoring::{Folded, fold};
use model::{Contact, Email, Profile, Standing, Status, Tenant, UnknownAddresses};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use store::testing::{MemoryStore, stored_tenant};
use store::{
    Clock, ContactStore, LedgerStore, NewContact, RefoldQueue, RulesStore, TenantStore, Write, Written,
};

use crate::{Deps, ScoringError};

async fn handle(deps: &Deps<MemoryStore>, event: Value) -> Result<Value, ScoringError> {
    crate::handle(deps, &to_raw_value(&event).unwrap()).await
}

async fn handle_all(
    deps: &Deps<MemoryStore>,
    queue: &impl RefoldQueue,
    event: Value,
) -> Result<Value, ScoringError> {
    crate::handle_all(deps, queue, &to_raw_value(&event).unwrap()).await
}

const JANE: &str = "jane@example.com";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_420_800_000).unwrap()
}

/// Is one tenant with its contacts.
struct World {
    store: MemoryStore,
    tenant: Tenant,
    deps: Deps<MemoryStore>,
}

impl World {
    async fn new() -> Self {
        Self::with(UnknownAddresses::Park).await
    }

    async fn with(unknown_addresses: UnknownAddresses) -> Self {
        let store = MemoryStore::default();
        let mut tenant = stored_tenant(&store).await;
        tenant.settings.unknown_addresses = unknown_addresses;
        assert!(store.save_settings(tenant.id, &tenant.settings).await.unwrap());
        let deps = Deps::new(store.clone(), Clock::starting_at(now()));
        Self { store, tenant, deps }
    }

    async fn hold(&self, email: &str) -> Contact {
        let profile = Profile::new(Email::parse(email).unwrap(), email, Status::Active);
        let new = NewContact::of(profile);
        let write = vec![Write::Create(Box::new(new))];
        match self.store.write(&self.tenant, write, now()).await.unwrap().pop().unwrap().unwrap() {
            Written::Done(contact) => *contact,
            lost @ Written::Lost { .. } => panic!("{lost:?}"),
        }
    }

    async fn standing(&self, email: &str) -> Standing {
        let emails = [Email::parse(email).unwrap()];
        self.store.standings(&self.tenant, &emails).await.unwrap().pop().unwrap()
    }

    async fn contact(&self, email: &str) -> Contact {
        match self.standing(email).await {
            Standing::Held(contact) => *contact,
            other => panic!("{other:?}"),
        }
    }

    /// Delivers events as one batch and gives the messages that are to come again.
    async fn deliver(&self, events: &[Value]) -> Vec<String> {
        failures(handle(&self.deps, self.batch(events)).await.unwrap())
    }

    fn batch(&self, events: &[Value]) -> Value {
        let record = |(n, event): (usize, &Value)| {
            let mut detail = event.clone();
            detail["tenant_id"] = json!(self.tenant.id);
            let body = json!({
                "source": "leads.engagement", "detail-type": event["type"],
                "time": event["occurred_at"], "detail": detail,
            });
            json!({"messageId": format!("m{n}"), "eventSource": "aws:sqs", "body": body.to_string()})
        };
        json!({"Records": events.iter().enumerate().map(record).collect::<Vec<_>>()})
    }

    /// Folds under the rules that the contact stands under.
    async fn explained(&self, contact: &Contact) -> Folded {
        let facts = self.store.facts(self.tenant.id, contact.id, None).await.unwrap();
        let rules = self.store.rules(self.tenant.id, contact.fold.rules_version).await.unwrap();
        fold(&facts, &rules, contact.fold.decayed_to)
    }

    /// Tells the score of a contact, which its explanation has to sum to.
    async fn score(&self, email: &str) -> i64 {
        let contact = self.contact(email).await;
        let explained = self.explained(&contact).await;
        assert_eq!(explained.score.points, contact.score);
        assert_eq!(explained.entries.iter().map(|entry| entry.points).sum::<i64>(), contact.score);
        contact.score
    }
}

fn failures(answer: Value) -> Vec<String> {
    let failures = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

fn event(id: &str, minute: i64, kind: &str) -> Value {
    event_of(JANE, id, minute, kind)
}

fn event_of(email: &str, id: &str, minute: i64, kind: &str) -> Value {
    json!({
        "id": id,
        "type": kind,
        "contact": {"email": email},
        "occurred_at": now() - TimeDelta::days(1) + TimeDelta::minutes(minute),
        "properties": {},
        "machine": false,
    })
}
