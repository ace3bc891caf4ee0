//! What is told of who enters and leaves segments, and where that waits until it is told.

use std::future::Future;

use chrono::{DateTime, Utc};
use index::{Item, ItemKey, Nonce};
use model::{Direction, ListId, TenantId, Transition};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{About, DomainEvent, DomainEventType, StoreError};

/// Is what one write of a segment's members has to tell. It is kept in the same transaction, and
/// until it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transitions {
    /// Names the write.
    pub id: Uuid,
    /// The segment.
    pub list: ListId,
    /// What the segment's clock showed.
    pub at: DateTime<Utc>,
    /// Who went, and which way.
    #[serde(with = "in_few_bytes")]
    pub contacts: Vec<Transition>,
}

impl Transitions {
    /// Gives an event for each contact that went: the same ones each time they are told.
    pub fn events(&self, tenant: TenantId) -> Vec<DomainEvent> {
        let event = |Transition(contact, version, direction, cause): &Transition| {
            let more = [("list_id", json!(self.list)), ("cause", json!(cause.as_str()))];
            DomainEvent {
                tenant,
                kind: match direction {
                    Direction::Entered => DomainEventType::SegmentEntered,
                    Direction::Exited => DomainEventType::SegmentExited,
                },
                about: About::Contact { id: *contact, version: *version, occasion: Some(self.id) },
                occurred_at: self.at,
                more: more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            }
        };
        self.contacts.iter().map(event).collect()
    }
}

/// Is the clock of a tenant's segments, by which all who decide about them go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentClock {
    /// What it shows. It never goes back, though the clocks of machines differ.
    pub at: Option<DateTime<Utc>>,
    /// What it showed when all contacts were looked at last.
    pub looked_at: Option<DateTime<Utc>>,
}

/// Keeps what was told of the members of segments, and what is still to tell.
pub trait TransitionStore: Send + Sync {
    /// Moves the clock of a tenant's segments on to an instant, unless it is past it already.
    fn advance_segments(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<SegmentClock, StoreError>> + Send;

    /// Notes that all contacts were looked at by the clock of then.
    fn segments_looked_at(
        &self,
        tenant: TenantId,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes members over what was seen of them, together with what that has to tell; false where
    /// they are no longer as they were seen. An error says nothing: it may come into effect.
    fn put_members(
        &self,
        tenant: TenantId,
        key: &ItemKey,
        members: Item,
        seen: Option<Nonce>,
        tells: &Transitions,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Gives what is still to tell, the oldest first: up to a megabyte of it.
    fn untold(&self, tenant: TenantId) -> impl Future<Output = Result<Vec<Transitions>, StoreError>> + Send;

    /// Forgets what was told.
    fn told(
        &self,
        tenant: TenantId,
        transitions: &Transitions,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Keeps transitions as text: four thousand of them fit an item.
mod in_few_bytes {
    use model::Transition;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(contacts: &[Transition], to: S) -> Result<S::Ok, S::Error> {
        serde_json::to_string(contacts).map_err(serde::ser::Error::custom)?.serialize(to)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<Transition>, D::Error> {
        serde_json::from_str(&String::deserialize(from)?).map_err(Error::custom)
    }
}
