use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ConditionKey, Event, EventId, EventType, Properties};
use crate::{Engagement, Status};

/// Orders the facts of a contact, and tells them apart: by when they happened, then by their ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// When it happened, to the millisecond.
    pub occurred_at: DateTime<Utc>,
    /// The id that its sender gave it.
    pub event_id: EventId,
}

/// Is one event in the ledger of a contact. It is never changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Where it stands.
    pub position: Position,
    /// What happened.
    pub kind: EventType,
    /// What else is known.
    pub properties: Properties,
    /// Whether a machine did it.
    pub machine: bool,
    /// The conditions that held of the contact when the fact was recorded. Kept, because the
    /// contact changes and what made its score does not.
    pub met: BTreeSet<ConditionKey>,
}

impl Fact {
    /// Makes a fact of an event.
    pub fn of(event: &Event, met: BTreeSet<ConditionKey>) -> Self {
        Self {
            position: Position { occurred_at: event.occurred_at, event_id: event.id.clone() },
            kind: event.kind.clone(),
            properties: event.properties.clone(),
            machine: event.machine,
            met,
        }
    }

    /// Tells whether the fact has no points whatever the rules say.
    pub(super) fn is_silent(&self) -> bool {
        self.machine && !matches!(self.kind.as_str(), "email.bounced" | "email.unsubscribed")
    }

    /// Gives the status that the fact brings.
    pub fn status(&self) -> Option<Status> {
        match self.kind.as_str() {
            "email.unsubscribed" => Some(Status::Unsubscribed),
            "email.bounced" => {
                let bounce = self.properties.get("bounce_type").and_then(|kind| kind.as_str());
                (bounce == Some("hard")).then_some(Status::Bounced)
            }
            _ => None,
        }
    }

    /// Gives the moment of engagement that the fact is.
    pub fn engagement(&self) -> Option<Engagement> {
        match self.kind.as_str() {
            _ if self.is_silent() => None,
            "email.opened" => Some(Engagement::Opened),
            "email.clicked" => Some(Engagement::Clicked),
            "email.replied" => Some(Engagement::Replied),
            // Of the pricing page or of any other that a tenant tells apart.
            kind if kind.ends_with(".visited") => Some(Engagement::Visited),
            _ => None,
        }
    }
}
