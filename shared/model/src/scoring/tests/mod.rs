mod decay;
mod deliveries;
mod events;
mod rules;
mod table;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Event, EventId, EventType, Fact, Position, Properties, ScoringRules};

/// A Monday, 08:00 UTC.
fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_420_800, 0).unwrap()
}

fn after(minutes: i64) -> DateTime<Utc> {
    start() + TimeDelta::minutes(minutes)
}

fn fact(minutes: i64, id: &str, kind: &str) -> Fact {
    Fact {
        position: Position { occurred_at: after(minutes), event_id: EventId::parse(id).unwrap() },
        kind: EventType::parse(kind).unwrap(),
        properties: Properties::default(),
        machine: false,
        met: BTreeSet::new(),
    }
}

fn with(fact: Fact, properties: Value) -> Fact {
    let Value::Object(members) = properties else { panic!("no object") };
    Fact { properties: Properties::new(members).unwrap(), ..fact }
}

fn rules(json: Value) -> ScoringRules {
    ScoringRules::from_json(&json, 1).unwrap()
}

fn event(change: impl FnOnce(&mut Value)) -> Value {
    let mut event = json!({
        "id": "evt-1",
        "type": "email.opened",
        "contact": {"email": "Jane@Example.com"},
        "occurred_at": "2026-11-23T08:00:00.123Z",
        "properties": {"campaign": "spring"},
        "machine": false,
    });
    change(&mut event);
    event
}

fn read(event: &Value) -> Event {
    Event::from_json(event, after(1_000_000)).unwrap()
}
