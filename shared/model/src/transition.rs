//! Who enters or leaves a segment: what was told last against what its rule says now.

use serde::{Deserialize, Serialize};

use crate::rule::{Bound, Subject};
use crate::{Contact, ContactId};

/// Most segments of a tenant whose transitions are told: each change of a contact is held against
/// all of them.
pub const MAX_WATCHED_SEGMENTS: usize = 100;

/// Says which way a contact went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Into the segment.
    Entered,
    /// Out of it.
    Exited,
}

/// Says why a contact went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The contact changed, or what the tenant decides for all of them.
    Change,
    /// Nothing but time passed.
    Clock,
    /// The segment got another rule, or is watched since.
    Rule,
}

impl Cause {
    /// Gives the name in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Clock => "clock",
            Self::Rule => "rule",
        }
    }
}

/// Is one contact that went, in few bytes: many of them are kept in one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition(
    /// Who.
    pub ContactId,
    /// The version that the contact had.
    pub u64,
    /// Which way.
    pub Direction,
    /// Why.
    pub Cause,
);

/// Holds a segment at one instant of its clock against contacts.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// Its rule, bound to that instant.
    pub rule: Bound,
    /// Why somebody looks.
    pub look: Look,
}

/// Says why somebody looks whether contacts went.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    /// They changed.
    Change,
    /// All are looked at.
    Tick {
        /// The rule, bound to the instant at which all were looked at last.
        last: Option<Box<Bound>>,
        /// Whether lists were changed since.
        is_edited: bool,
    },
}

impl Watch {
    /// Decides whether a contact that was told to be in the segment, or out of it, went since;
    /// none is one that was deleted. What was told turns around with each transition, so that
    /// entering and leaving alternate whatever comes twice or late.
    pub fn decide(&self, told: bool, contact: Option<&Contact>) -> Option<(Direction, Cause)> {
        let holds = |rule: &Bound| contact.is_some_and(|contact| rule.matches(Subject::of(contact)));
        let direction = match (told, holds(&self.rule)) {
            (false, true) => Direction::Entered,
            (true, false) => Direction::Exited,
            (true, true) | (false, false) => return None,
        };
        let cause = match &self.look {
            Look::Change => Cause::Change,
            // It was as told then, and is another way now.
            Look::Tick { last: Some(last), .. } if contact.is_some() && holds(last) == told => Cause::Clock,
            Look::Tick { is_edited: true, .. } => Cause::Rule,
            Look::Tick { is_edited: false, .. } => Cause::Change,
        };
        Some((direction, cause))
    }

    /// Tells whether a change of a contact may take it in or out: who is not there yet, or not any
    /// more, is in no segment.
    pub fn concerns(&self, before: Option<&Contact>, after: Option<&Contact>) -> bool {
        let [before, after] = [before, after]
            .map(|contact| contact.is_some_and(|contact| self.rule.matches(Subject::of(contact))));
        before != after
    }
}
