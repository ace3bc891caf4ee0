//! What the product tells of its contacts on the bus.

use std::collections::BTreeSet;
use std::future::Future;

use chrono::{DateTime, Utc};
use model::{ContactId, TenantId};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::StoreError;

/// Is what domain events come from on the bus.
pub const DOMAIN: &str = "leads";

/// Names what happened to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainEventType {
    /// It is new.
    ContactCreated,
    /// Something of it changed that people or files say.
    ContactUpdated,
    /// It is gone.
    ContactDeleted,
    /// Its score reached another tier.
    TierChanged,
    /// It is in a segment since.
    SegmentEntered,
    /// It is no longer in a segment.
    SegmentExited,
    /// It is done, or failed.
    ImportFinished,
}

impl DomainEventType {
    /// Gives the name on the bus.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContactCreated => "contact.created",
            Self::ContactUpdated => "contact.updated",
            Self::ContactDeleted => "contact.deleted",
            Self::TierChanged => "score.tier_changed",
            Self::SegmentEntered => "segment.entered",
            Self::SegmentExited => "segment.exited",
            Self::ImportFinished => "import.finished",
        }
    }
}

/// Is one thing that happened. It says nothing personal: who may know more reads the
/// contact.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainEvent {
    /// Whose contact.
    pub tenant: TenantId,
    /// What happened.
    pub kind: DomainEventType,
    /// To what.
    pub about: About,
    /// When that was written, or came about.
    pub occurred_at: DateTime<Utc>,
    /// What else there is to say.
    pub more: Map<String, Value>,
}

/// Says to what something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// To a contact.
    Contact {
        /// Which.
        id: ContactId,
        /// The version that it has since, or had at last.
        version: u64,
        /// What tells this from others of the same contact and name, where the version does not.
        occasion: Option<Uuid>,
    },
    /// To an import, which only ends once.
    Import(Uuid),
}

impl DomainEvent {
    /// Gives its id: the same each time it is told, so that whoever hears it twice knows.
    pub fn id(&self) -> Uuid {
        let about = match self.about {
            About::Contact { id, version, occasion: None } => format!("{id}/{version}"),
            About::Contact { id, occasion: Some(occasion), .. } => format!("{id}/{occasion}"),
            About::Import(id) => id.to_string(),
        };
        let name = format!("{}/{about}/{}", self.tenant, self.kind.as_str());
        let hash = Sha256::digest(name);
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Uuid::new_v8(bytes)
    }

    /// Gives the detail that goes over the bus.
    pub fn detail(&self) -> Value {
        let mut detail = self.more.clone();
        let mut set = |name: &str, value| detail.insert(name.to_owned(), value);
        set("id", json!(self.id()));
        set("tenant_id", json!(self.tenant));
        set("occurred_at", json!(self.occurred_at));
        match self.about {
            About::Contact { id, version, .. } => {
                set("contact_id", json!(id.to_string()));
                set("version", json!(version));
            }
            About::Import(id) => drop(set("import_id", json!(id))),
        }
        Value::Object(detail)
    }
}

/// Tells whoever listens of domain events, at least once.
pub trait DomainEventBus: Send + Sync {
    /// Puts events on the bus and gives the places of those that it did not take: they are to be put
    /// again.
    fn announce(
        &self,
        events: &[DomainEvent],
    ) -> impl Future<Output = Result<BTreeSet<usize>, StoreError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_one_id_of_its_own() {
        let id = ContactId::parse("5e1c0f7a-3c1d-8f00-8000-0123456789ab").unwrap();
        let about = |version, occasion| About::Contact { id, version, occasion };
        let event = DomainEvent {
            tenant: TenantId(Uuid::from_u128(1)),
            kind: DomainEventType::ContactUpdated,
            about: about(7, None),
            occurred_at: DateTime::UNIX_EPOCH,
            more: Map::new(),
        };
        let later = DomainEvent { occurred_at: Utc::now(), ..event.clone() };
        assert_eq!(event.id(), later.id());
        // Whoever heard of it before an update of this program knows it again.
        assert_eq!(event.id().to_string(), "e60f19cf-ee60-8144-8b68-29304ea5e9ae");
        for other in [
            DomainEvent { about: about(8, None), ..event.clone() },
            DomainEvent { about: about(7, Some(Uuid::from_u128(7))), ..event.clone() },
            DomainEvent { about: About::Import(Uuid::from_u128(7)), ..event.clone() },
            DomainEvent { kind: DomainEventType::TierChanged, ..event.clone() },
            DomainEvent { tenant: TenantId(Uuid::from_u128(2)), ..event.clone() },
        ] {
            assert_ne!(event.id(), other.id());
        }
        assert_eq!(event.detail()["id"], event.id().to_string());
    }
}
