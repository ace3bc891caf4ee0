//! Events as senders tell them:
//! `{"id":"evt-1","type":"email.opened","contact":{"email":"jane@example.com"},"occurred_at":"…","properties":{},"machine":false}`.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Properties;
use crate::{Email, Invalid};

/// Longest id of an event, in bytes: it is part of a key.
const MAX_ID_BYTES: usize = 128;
/// Longest type of an event.
const MAX_TYPE_BYTES: usize = 64;
/// How far the clock of a sender may be ahead.
const MAX_AHEAD: TimeDelta = TimeDelta::minutes(15);

/// Is the id that a sender gave an event: with the time, what makes it known again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(String);

impl EventId {
    /// Takes an id.
    ///
    /// # Errors
    /// `invalid_event_id`
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if (1..=MAX_ID_BYTES).contains(&text.len()) && !text.chars().any(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        let detail = format!("an event's id has 1 to {MAX_ID_BYTES} bytes and no control characters");
        Err(Invalid::new("invalid_event_id", detail))
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says what happened, such as `email.opened`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventType(String);

impl EventType {
    /// Takes the name of a type.
    ///
    /// # Errors
    /// `invalid_event_type`
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let word = |word: &str| {
            let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
            !word.is_empty() && word.chars().all(letter)
        };
        if text.len() <= MAX_TYPE_BYTES && text.split('.').all(word) {
            return Ok(Self(text.to_owned()));
        }
        let detail = format!(
            "a type is a name such as `email.opened`: lower-case letters, digits, `_` and `-` in words with \
             dots between, {MAX_TYPE_BYTES} bytes at most"
        );
        Err(Invalid::new("invalid_event_type", detail))
    }

    /// Gives the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_of {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

text_of!(EventId);
text_of!(EventType);

/// Is something that somebody did, as its sender tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The sender's own id for it.
    pub id: EventId,
    /// What happened.
    pub kind: EventType,
    /// Whose address it happened with.
    pub email: Email,
    /// The address as it was given.
    pub email_typed: String,
    /// When it happened, to the millisecond.
    pub occurred_at: DateTime<Utc>,
    /// What else is known.
    pub properties: Properties,
    /// Whether the sender knows that a machine did it, such as a mail scanner.
    pub machine: bool,
}

/// Says what is wrong with a member of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFault {
    /// Where, as a JSON pointer into the event.
    pub pointer: String,
    /// What.
    pub invalid: Invalid,
}

impl Event {
    /// Reads one event.
    ///
    /// # Errors
    /// All faults, each at its place: `required`, `wrong_type`, `unknown_member`,
    /// `invalid_event_id`, `invalid_event_type`, `invalid_time`, `too_old`, `in_the_future`,
    /// `invalid_bounce_type` and those of addresses and properties.
    pub fn from_json(event: &Value, now: DateTime<Utc>) -> Result<Self, Vec<EventFault>> {
        let mut reader = Reader { faults: Vec::new() };
        let Some(members) = reader.object(event, "") else { return Err(reader.faults) };
        let known = ["id", "type", "contact", "occurred_at", "properties", "machine"];
        reader.no_others(members, "", &known);
        let id = reader.text(members, "", "id", EventId::parse);
        let kind = reader.text(members, "", "type", EventType::parse);
        let occurred_at = reader.text(members, "", "occurred_at", |text| moment(text, now));
        let contact = reader.required(members, "", "contact").and_then(|at| reader.object(at, "/contact"));
        let email = contact.and_then(|contact| {
            reader.no_others(contact, "/contact", &["email"]);
            let both = |typed: &str| Ok((Email::parse(typed)?, typed.trim().to_owned()));
            reader.text(contact, "/contact", "email", both)
        });
        let machine = match members.get("machine") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(machine)) => *machine,
            Some(_) => reader.wrong_type("/machine", "`true` or `false`").unwrap_or_default(),
        };
        let properties = match members.get("properties").filter(|value| !value.is_null()) {
            None => Some(Properties::default()),
            Some(value) => reader.object(value, "/properties").and_then(|members| {
                reader.bounce_type(members);
                reader.noted("/properties", Properties::new(members.clone()))
            }),
        };
        match (id, kind, email, occurred_at, properties) {
            (Some(id), Some(kind), Some((email, email_typed)), Some(occurred_at), Some(properties))
                if reader.faults.is_empty() =>
            {
                Ok(Self { id, kind, email, email_typed, occurred_at, properties, machine })
            }
            _ => Err(reader.faults),
        }
    }

    /// Gives the event as [`Event::from_json`] reads it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "type": self.kind,
            "contact": {"email": self.email_typed},
            "occurred_at": self.occurred_at,
            "properties": self.properties.to_json(),
            "machine": self.machine,
        })
    }
}

fn moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Invalid> {
    let invalid = || {
        let detail = "give an RFC 3339 time with its offset, such as `2026-11-23T08:00:00.000Z`";
        Invalid::new("invalid_time", detail)
    };
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| invalid())?.to_utc();
    let at = DateTime::from_timestamp_millis(at.timestamp_millis()).ok_or_else(invalid)?;
    if at < DateTime::UNIX_EPOCH {
        return Err(Invalid::new("too_old", "events before 1970 are not taken"));
    }
    if at > now + MAX_AHEAD {
        let minutes = MAX_AHEAD.num_minutes();
        let detail = format!("this is more than {minutes} minutes ahead of the clock here; correct the time");
        return Err(Invalid::new("in_the_future", detail));
    }
    Ok(at)
}

struct Reader {
    faults: Vec<EventFault>,
}

impl Reader {
    fn noted<T>(&mut self, at: &str, read: Result<T, Invalid>) -> Option<T> {
        read.map_err(|invalid| self.faults.push(EventFault { pointer: at.to_owned(), invalid })).ok()
    }

    fn wrong_type<T>(&mut self, at: &str, what: &str) -> Option<T> {
        self.noted(at, Err(Invalid::new("wrong_type", format!("give {what}"))))
    }

    fn object<'v>(&mut self, value: &'v Value, at: &str) -> Option<&'v Map<String, Value>> {
        value.as_object().or_else(|| self.wrong_type(at, "an object"))
    }

    fn required<'v>(&mut self, members: &'v Map<String, Value>, at: &str, name: &str) -> Option<&'v Value> {
        let value = members.get(name).filter(|value| !value.is_null());
        let missing = || Invalid::new("required", "this member is required");
        self.noted(&format!("{at}/{name}"), value.ok_or_else(missing))
    }

    fn text<T>(
        &mut self,
        members: &Map<String, Value>,
        at: &str,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        let value = self.required(members, at, name)?;
        let at = format!("{at}/{name}");
        match value.as_str() {
            Some(text) => self.noted(&at, read(text)),
            None => self.wrong_type(&at, "a text"),
        }
    }

    fn no_others(&mut self, members: &Map<String, Value>, at: &str, known: &[&str]) {
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            let invalid = Invalid::new("unknown_member", "there is no such member; remove it");
            self.faults.push(EventFault { pointer, invalid });
        }
    }

    /// A bounce of a kind that nobody knows could be one that ends all mail: better asked than
    /// guessed.
    fn bounce_type(&mut self, properties: &Map<String, Value>) {
        let known = |value: &Value| matches!(value.as_str(), Some("hard" | "soft"));
        if properties.get("bounce_type").is_some_and(|value| !value.is_null() && !known(value)) {
            let invalid = Invalid::new("invalid_bounce_type", "a bounce is `hard` or `soft`");
            self.faults.push(EventFault { pointer: "/properties/bounce_type".to_owned(), invalid });
        }
    }
}
