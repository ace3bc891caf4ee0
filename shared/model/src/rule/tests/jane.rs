//! One contact that knows something of everything, and how to ask of it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::rule::{Bound, ListRef, Lists, Moment, Rule, Segment, Subject, Warning, Zone, bind};
use crate::{
    AttributeType, AttributeValue, Contact, ContactId, Email, Engagement, Field, FieldId, FieldSlug, Fields,
    ListNumber, Number, Ordinal, Phone, Profile, Status, Tag,
};

pub(super) const VIP: ListNumber = ListNumber(1);
pub(super) const OLD: ListNumber = ListNumber(2);

pub(super) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The moment of most tests: a Monday.
pub(super) fn now() -> Moment {
    moment("2026-11-23T12:00:00Z", "UTC")
}

pub(super) fn moment(now: &str, zone: &str) -> Moment {
    Moment::new(instant(now), Zone::parse(zone).unwrap())
}

/// Custom fields, of each type one that Jane has and one that she has not.
pub(super) fn fields() -> Fields {
    [
        (AttributeType::Text, "industry"),
        (AttributeType::Text, "city"),
        (AttributeType::Number, "budget"),
        (AttributeType::Number, "seats"),
        (AttributeType::Date, "renewal"),
        (AttributeType::Date, "birthday"),
        (AttributeType::Boolean, "vip_status"),
        (AttributeType::Boolean, "beta"),
    ]
    .into_iter()
    .enumerate()
    .map(|(number, (kind, name))| {
        let id = FieldId { kind, number: u32::try_from(number).unwrap() };
        Field::new(id, FieldSlug::from_name(name).unwrap(), name)
    })
    .collect()
}

pub(super) fn jane() -> Contact {
    let mut profile =
        Profile::new(Email::parse("jane.doe@example.com").unwrap(), "Jane.Doe@example.com", Status::Active);
    profile.first_name = Some("Jané".to_owned());
    profile.last_name = Some("O'Brien Doe".to_owned());
    profile.company = Some("Straße  & Söhne GmbH".to_owned());
    profile.phone = Some(Phone::parse("+1 (415) 555-0100").unwrap());
    profile.tags = ["Partner", "EU"].map(|tag| Tag::parse(tag).unwrap()).into();
    profile.engagement.insert(Engagement::Opened, instant("2026-11-01T12:00:00Z"));
    let fields = fields();
    for (name, value) in [
        ("industry", AttributeValue::Text("Software as a Service".to_owned())),
        ("budget", AttributeValue::Number(Number::new(120_000.0).unwrap())),
        ("renewal", AttributeValue::Date("2026-11-30".parse().unwrap())),
        ("vip_status", AttributeValue::Boolean(true)),
    ] {
        let field = fields.get(&FieldSlug::from_name(name).unwrap()).unwrap();
        profile.attributes.insert(field.id, value);
    }
    Contact {
        id: ContactId::from_uuid(Uuid::from_u128(7)),
        ordinal: Ordinal(7),
        profile,
        score: 42,
        fold: crate::scoring::Fold::default(),
        created_at: instant("2025-11-23T09:00:00Z"),
        updated_at: instant("2026-11-20T09:00:00Z"),
        version: 1,
        origin: None,
    }
}

/// Two static lists, and segments that name each other.
pub(super) struct Known;

impl Lists for Known {
    fn list(&self, name: &ListRef) -> Option<ListNumber> {
        match name.as_str() {
            "VIP" => Some(VIP),
            "Old" => Some(OLD),
            _ => None,
        }
    }

    fn segment(&self, name: &ListRef) -> Option<Segment> {
        let name = name.as_str();
        let query = match name {
            "Warm" => "score:20..49",
            "Warm VIP" => "segment:Warm AND list:VIP",
            "Snake" => "score:>5 OR segment:Tail",
            "Tail" => "segment:Snake",
            "Broken" => "score:abc",
            "Wide" => "segment:Wider segment:Wider segment:Wider segment:Wider segment:Wider",
            "Wider" => &"score:>5 ".repeat(200),
            deep if deep.chars().all(|c| c == 'x') => &format!("segment:{deep}x"),
            _ => return None,
        };
        let number = name.bytes().fold(7_u32, |number, byte| number.wrapping_mul(31) ^ u32::from(byte));
        let number = ListNumber(number);
        Some(Segment { number, name: name.to_owned(), rule: Rule::parse(query).unwrap().rule })
    }

    fn statics(&self) -> BTreeSet<ListNumber> {
        BTreeSet::from([VIP, OLD])
    }
}

pub(super) fn bound(query: &str, moment: &Moment) -> (Rule, Bound, Vec<Warning>) {
    let parsed = Rule::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let (bound, warnings) =
        bind(&parsed, &fields(), &Known, moment).unwrap_or_else(|errors| panic!("{query}: {errors:?}"));
    (parsed.rule, bound, warnings)
}

/// Tells whether a query finds a contact that is on the list `VIP`.
pub(super) fn finds_of(contact: &Contact, query: &str, moment: &Moment) -> bool {
    let (rule, bound, _) = bound(query, moment);
    let lists = BTreeSet::from([VIP]);
    let subject = Subject { contact, lists: &lists };
    let matches = bound.matches(subject);
    assert_eq!(bound.explain(&rule, subject).holds, matches, "{query}");
    matches
}

pub(super) fn finds(query: &str) -> bool {
    finds_of(&jane(), query, &now())
}
