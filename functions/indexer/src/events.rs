//! From a record of the stream to what the bus is told.
//!
//! What engagement alone changes (the score, when somebody last opened an email) is told only where
//! it reaches another tier: whoever wants the engagement itself hears it from its source.

use model::{Contact, Ordinal, Profile, Tenant, Tier};
use serde_json::{Map, Value, json};
use store::{About, Consistency, ContactRecord, ContactStore, DomainEvent, DomainEventType, StoreError};

/// Gives the events of records, each with the place of its record.
///
/// A contact that is gone from an address was deleted, or was moved to another one: the contact
/// tells.
///
/// # Errors
/// When contacts cannot be read.
pub(crate) async fn events(
    store: &impl ContactStore,
    tenant: &Tenant,
    records: &[(usize, ContactRecord)],
) -> Result<Vec<(usize, DomainEvent)>, StoreError> {
    let gone = |record: &ContactRecord| -> Option<Ordinal> {
        record.after.is_none().then(|| record.before.as_ref().map(|contact| contact.ordinal)).flatten()
    };
    let ordinals: Vec<Ordinal> = records.iter().filter_map(|(_, record)| gone(record)).collect();
    let moved = if ordinals.is_empty() {
        Vec::new()
    } else {
        store.by_ordinals(tenant, &ordinals, Consistency::Strong).await?
    };
    let is_moved = |contact: &Contact| moved.iter().any(|other| other.id == contact.id);
    let told = records.iter().flat_map(|(place, record)| {
        let events = match (&record.before, &record.after) {
            (Some(before), Some(after)) if before.ordinal == after.ordinal => changed(tenant, before, after),
            (before, after) => {
                let left = before.iter().filter(|contact| !is_moved(contact));
                let left = left.map(|contact| event(DomainEventType::ContactDeleted, contact));
                let came = after.iter().map(|contact| match contact.version {
                    1 => event(DomainEventType::ContactCreated, contact),
                    _ => event(DomainEventType::ContactUpdated, contact),
                });
                left.chain(came).collect()
            }
        };
        events.into_iter().map(|event| (*place, DomainEvent { tenant: tenant.id, ..event }))
    });
    Ok(told.collect())
}

/// Tells what of a contact changed that stayed where it is.
fn changed(tenant: &Tenant, before: &Contact, after: &Contact) -> Vec<DomainEvent> {
    let mut events = Vec::new();
    if said(before) != said(after) {
        events.push(event(DomainEventType::ContactUpdated, after));
    }
    let [from, to] = [before, after].map(|contact| tier(tenant, contact));
    if from != to {
        let more = [
            ("from".to_owned(), json!(from.as_str())),
            ("to".to_owned(), json!(to.as_str())),
            ("score".to_owned(), json!(after.score)),
        ];
        events.push(DomainEvent {
            more: more.into_iter().collect(),
            ..event(DomainEventType::TierChanged, after)
        });
    }
    events
}

/// Gives what people and files say of a contact.
fn said(contact: &Contact) -> Profile {
    Profile { engagement: Default::default(), ..contact.profile.clone() }
}

/// Tells the tier of a contact's score. That tiers themselves were changed is told of nobody.
fn tier(tenant: &Tenant, contact: &Contact) -> Tier {
    tenant.scoring.tiers.of(contact.score)
}

fn event(kind: DomainEventType, contact: &Contact) -> DomainEvent {
    DomainEvent {
        // Filled in for all.
        tenant: model::TenantId(uuid::Uuid::nil()),
        kind,
        about: About::Contact { id: contact.id, version: contact.version, occasion: None },
        occurred_at: contact.updated_at,
        more: Map::<String, Value>::new(),
    }
}
