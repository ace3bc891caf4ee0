//! Random rules on random contacts, by the index and by looking at each.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures::executor::block_on;
use model::rule::{Bound, Moment, Parsed, Rule, Subject, Zone, bind};
use model::scoring::{Fold, Tiers};
use model::{
    AttributeType, AttributeValue, Contact, ContactId, Email, Engagement, Field, FieldId, FieldSlug, Fields,
    List, ListBook, ListId, ListName, ListNumber, Ordinal, Phone, Profile, Status, Tag, TenantSecret,
};
use proptest::collection::{btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

use super::Planner;
use crate::testing::{Nobody, Table, cases};
use crate::{AddressBook, Answer, Change, Facts, Generation, Question, Reader, Writer};

const GENERATION: Generation = Generation { tenant: [3; 16], number: 0 };

const TEXTS: [&str; 12] = [
    "Jane",
    "jane doe",
    "Zoë",
    "O’Brien-Smith",
    "- dash first",
    "acme corp",
    "Acme & Sons",
    "van der Berg",
    "3.14 pies",
    "   ",
    "a very long name that goes on and on until it is longer than a term may be in a key, so that it is cut",
    "a very long name that goes on and on until it is longer than a term may be in a key, so that it differs",
];
const PARTS: [&str; 14] = [
    "j",
    "ja",
    "jane",
    "doe",
    "ne",
    "acme",
    "-",
    "berg",
    "3.1",
    "zoe",
    "a very long name that goes on and on",
    "a very long name that goes on and on until it is longer than a term may be in a key, so",
    "sons",
    "ж",
];
const EMAILS: [&str; 10] = [
    "jane@example.com",
    "jane.doe@example.com",
    "jane.d@example.org",
    "j@a.de",
    "zoë@exämple.de",
    "o'neil_x@example.com",
    "info@acme.io",
    "info@acme.com",
    "bob@jane.com",
    "bob+tag@sub.example.com",
];
const EMAIL_PARTS: [&str; 14] = [
    "j",
    "jane",
    "jane.d",
    "jane.do",
    "jane@example.com",
    "@example.com",
    "example.com",
    "com",
    "info@a",
    "info@acme.c",
    "zoe@",
    "zoë",
    "o'neil_",
    "e@ex",
];
const PHONES: [&str; 5] = ["+14155550100", "+1 415 555 0101", "call me", "+4989123456", "12"];
const PHONE_PARTS: [&str; 7] = ["+1", "0100", "50100", "100", "me", "+14155550100", "12"];
const TAGS: [&str; 4] = ["partner", "VIP", "été", "beta tester"];
const LISTS: [&str; 7] = ["L0", "L1", "L19", "L2", "L3", "L4", "L5"];
const NUMBERS: [&str; 6] = ["0", "-1", "20", "49.5", "50", "1000000"];
const DAYS: [&str; 6] = ["2026-11-23", "2026-11-22", "2024-02-29", "1990-12-01", "2026-12-24", "2025-01-01"];
const INSTANTS: [&str; 5] = [
    "2026-11-23T12:00:00Z",
    "2026-11-23T11:59:30Z",
    "2026-11-22T23:00:00Z",
    "2026-10-24T12:00:00Z",
    "2026-11-23",
];

fn now() -> DateTime<Utc> {
    "2026-11-23T12:00:07Z".parse().unwrap()
}

/// One field of each type, and a text that is not indexed.
fn fields() -> Fields {
    let of = |(kind, number, name): &(_, _, &str)| {
        Field::new(FieldId { kind: *kind, number: *number }, FieldSlug::from_name(name).unwrap(), *name)
    };
    ATTRIBUTES.iter().map(of).collect()
}

const ATTRIBUTES: [(AttributeType, u32, &str); 5] = [
    (AttributeType::Text, 1, "industry"),
    (AttributeType::Number, 2, "budget"),
    (AttributeType::Date, 3, "birthday"),
    (AttributeType::Boolean, 47, "vip"),
    (AttributeType::Text, 48, "remark"),
];

/// More static lists than are asked for one by one, and two segments.
fn lists() -> ListBook {
    let list = |number: u32, name: String, rule: Option<&str>| List {
        id: ListId(uuid::Uuid::from_u128(number.into())),
        number: ListNumber(number),
        name: ListName::parse(&name).unwrap(),
        rule: rule.map(|query| Rule::parse(query).unwrap().rule),
        events: false,
        created_at: now(),
        updated_at: now(),
    };
    let statics = (0..20).map(|number| list(number, format!("L{number}"), None));
    let segments = [
        list(20, "warm".to_owned(), Some("score:>=20 OR list:L0")),
        list(21, "cool".to_owned(), Some("NOT segment:warm")),
    ];
    ListBook::new(1, 23, statics.chain(segments))
}

fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    // Around the edges of minutes, spans and days.
    let ago = [0, 7, 8, 30, 60, 67, 3_600, 43_207, 43_208, 30 * 86_400, 30 * 86_400 + 7, -30, -86_400];
    (select(ago.to_vec()), 0..2i64)
        .prop_map(|(seconds, nanos)| now() - TimeDelta::seconds(seconds) - TimeDelta::nanoseconds(nanos))
}

fn attributes() -> impl Strategy<Value = Vec<AttributeValue>> {
    let value = |(kind, _, _): &(AttributeType, u32, &str)| {
        let texts: Vec<&str> = match kind {
            AttributeType::Text => TEXTS.to_vec(),
            AttributeType::Number => NUMBERS.to_vec(),
            AttributeType::Date => DAYS.to_vec(),
            AttributeType::Boolean => vec!["true", "false"],
        };
        let kind = *kind;
        of(select(texts).prop_map(move |text| AttributeValue::parse_as(text, kind).unwrap()))
    };
    ATTRIBUTES.iter().map(value).collect::<Vec<_>>().prop_map(|values| {
        // The position says which field it is: two of them are texts.
        values.into_iter().map(|value| value.unwrap_or(AttributeValue::Text(String::new()))).collect()
    })
}

fn profile() -> impl Strategy<Value = Profile> {
    let text = || of(select(TEXTS.to_vec()).prop_map(str::to_owned));
    let engagement = vec((select(Engagement::ALL.to_vec()), instants()), 0..4);
    let names = (text(), text(), text(), text(), of(select(PHONES.to_vec())));
    // The last one is of a list that was deleted.
    let lists = btree_set(select(vec![0, 1, 2, 19, 22]).prop_map(ListNumber), 0..3);
    let rest = (
        select(Status::ALL.to_vec()),
        btree_set(select(TAGS.to_vec()), 0..3),
        engagement,
        attributes(),
        lists,
    );
    (names, rest).prop_map(|((first_name, last_name, company, job_title, phone), rest)| {
        let (status, tags, engagement, values, lists) = rest;
        let attributes =
            ATTRIBUTES.iter().zip(values).filter(|(_, value)| *value != AttributeValue::Text(String::new()));
        Profile {
            first_name,
            last_name,
            company,
            job_title,
            phone: phone.map(|phone| Phone::parse(phone).unwrap()),
            tags: tags.into_iter().map(|tag| Tag::parse(tag).unwrap()).collect(),
            lists,
            engagement: engagement.into_iter().collect(),
            attributes: attributes
                .map(|((kind, number, _), value)| (FieldId { kind: *kind, number: *number }, value))
                .collect(),
            ..Profile::new(Email::parse("x@example.com").unwrap(), "x@example.com", status)
        }
    })
}

fn secret() -> TenantSecret {
    TenantSecret::new([5; 32])
}

fn contact(ordinal: u32, email: &str, profile: Profile, score: i64, created_at: DateTime<Utc>) -> Contact {
    let email = Email::parse(email).unwrap();
    let counts = (score > 0).then_some((Engagement::Opened, score as u32)).into_iter().collect();
    Contact {
        id: ContactId::new(Ordinal(ordinal), &secret().id_key(), [ordinal as u8; 12]),
        ordinal: Ordinal(ordinal),
        profile: Profile { email_typed: email.to_string(), email, ..profile },
        score,
        fold: Fold { counts, ..Fold::default() },
        created_at,
        updated_at: created_at,
        version: 1,
        origin: None,
    }
}

/// Gives contacts of different addresses.
fn contacts() -> impl Strategy<Value = Vec<Contact>> {
    let person = (profile(), select(vec![0, 1, 19, 20, 49, 50, -50]), instants());
    vec(person, 0..EMAILS.len()).prop_map(|people| {
        let people = (0..).zip(EMAILS).zip(people);
        people.map(|((n, email), (profile, score, at))| contact(n, email, profile, score, at)).collect()
    })
}

/// Gives conditions whose values are of the kind that their fields are, mostly.
fn condition() -> impl Strategy<Value = String> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let texts: Vec<&str> = TEXTS.into_iter().chain(PARTS).filter(|text| !text.trim().is_empty()).collect();
    let comparisons = ["is", "is_not", "contains", "not_contains", "starts_with", "ends_with"];
    let text = |fields: Vec<&'static str>, values: Vec<&'static str>| {
        (select(fields), select(comparisons.to_vec()), select(values))
            .prop_map(move |(field, operator, value)| format!("{field}:{operator}({})", quoted(value)))
    };
    let numbers = ["is", "is_not", "ne", "gt", "gte", "lt", "lte"];
    let times = ["on", "is_not", "before", "after", "gte", "lte"];
    let spans = ["1m", "12h", "30d", "1mo", "1y"];
    let relative = ["in_last", "in_next", "older_than", "anniversary_in_next"];
    let names = vec!["first_name", "last_name", "company", "job_title", "industry", "remark"];
    let all = [
        "id",
        "email",
        "first_name",
        "company",
        "phone",
        "status",
        "score",
        "tier",
        "tags",
        "lists",
        "last_opened_at",
        "opens",
        "created_at",
        "updated_at",
        "industry",
        "budget",
        "birthday",
        "vip",
        "remark",
        "nobody_has_it",
    ];
    prop_oneof![
        4 => text(names, texts),
        3 => text(vec!["email"], EMAILS.into_iter().chain(EMAIL_PARTS).collect()),
        2 => text(vec!["phone"], PHONES.into_iter().chain(PHONE_PARTS).collect()),
        1 => text(vec!["status", "tier"], vec!["active", "unsubscribed", "hot", "cold", "un", "t"]),
        2 => (select(vec!["score", "opens", "visits", "budget"]), select(numbers.to_vec()), select(NUMBERS.to_vec()))
            .prop_map(|(field, operator, value)| format!("{field}:{operator}({value})")),
        1 => (select(NUMBERS.to_vec()), select(NUMBERS.to_vec())).prop_map(|(a, b)| format!("score:{a}..{b}")),
        2 => (select(vec!["birthday"]), select(times.to_vec()), select(DAYS.to_vec()))
            .prop_map(|(field, operator, value)| format!("{field}:{operator}({value})")),
        3 => (select(vec!["last_opened_at", "created_at", "last_clicked_at", "updated_at"]), select(times.to_vec()), select(INSTANTS.to_vec()))
            .prop_map(|(field, operator, value)| format!("{field}:{operator}(\"{value}\")")),
        3 => (select(vec!["birthday", "last_opened_at", "created_at"]), select(relative.to_vec()), select(spans.to_vec()))
            .prop_map(|(field, operator, value)| format!("{field}:{operator}({value})")),
        1 => select(vec!["vip:true", "vip:false", "vip:is_not(true)", "vip:not_in(true, false)", "birthday:this_month",
            "created_at:today", "last_opened_at:yesterday"]).prop_map(str::to_owned),
        2 => (select(vec!["has_any", "has_all", "has_none"]), vec(select(TAGS.to_vec()), 1..3))
            .prop_map(move |(operator, tags)| {
                let tags: Vec<String> = tags.into_iter().map(quoted).collect();
                format!("tags:{operator}({})", tags.join(", "))
            }),
        2 => (select(vec!["has_any", "has_all", "has_none"]), vec(select(LISTS.to_vec()), 1..3))
            .prop_map(|(operator, lists)| format!("lists:{operator}({})", lists.join(", "))),
        1 => select(vec!["list:L0", "list:l19", "segment:warm", "segment:Cool"]).prop_map(str::to_owned),
        2 => (select(vec!["has", "missing"]), select(all.to_vec())).prop_map(|(what, field)| format!("{what}:{field}")),
        3 => vec(select(PARTS.into_iter().chain(EMAIL_PARTS).collect::<Vec<_>>()), 1..3)
            .prop_map(move |words| quoted(&words.join(" "))),
        1 => (0..4u32).prop_map(|ordinal| {
            format!("id:\"{}\"", ContactId::new(Ordinal(ordinal), &secret().id_key(), [1; 12]))
        }),
    ]
}

fn query() -> impl Strategy<Value = String> {
    condition().prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" AND "))),
            vec(inner.clone(), 2..4).prop_map(|any| format!("({})", any.join(" OR "))),
            inner.prop_map(|query| format!("(NOT {query})")),
        ]
    })
}

fn bound(query: &str) -> Option<Bound> {
    let parsed: Parsed = Rule::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let moment =
        Moment::new(now(), Zone::parse("Europe/Berlin").unwrap()).with_tiers(Tiers { warm: -1, hot: 5 });
    bind(&parsed, &fields(), &lists(), &moment).ok().map(|(bound, _)| bound)
}

/// Asks the index, and tells who is meant for certain and who has to be looked at; and the same once
/// all addresses are known.
fn asked(contacts: &[Contact], rule: &Bound) -> [(BTreeSet<u32>, BTreeSet<u32>); 2] {
    let table = Table::default();
    let image =
        |contact: &Contact| Change::Image { ordinal: contact.ordinal.0, old: None, new: Facts::of(contact) };
    let changes: Vec<Change> = contacts.iter().map(image).collect();
    block_on(Writer::new(&table, &Nobody, GENERATION).apply(&changes)).unwrap();
    let addresses: BTreeMap<String, u32> =
        contacts.iter().map(|contact| (contact.profile.email.to_string(), contact.ordinal.0)).collect();
    assert!(Planner::emails(rule).iter().all(|email| !email.is_empty()));
    let question = Planner { id_key: &secret().id_key(), addresses: &addresses }.question(rule);
    let mut answers = block_on(Reader::new(&table, GENERATION, 1).read([&question], [])).unwrap();
    let told = |answer: Answer| (answer.certain.iter().collect(), answer.open().iter().collect());
    let before = told(answers.to(&question));
    if let Some(mut book) = AddressBook::of(&question) {
        contacts.iter().for_each(|contact| book.see(contact.ordinal.0, contact.profile.email.as_str()));
        answers.learn(book);
    }
    [before, told(answers.to(&question))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(3_000)))]

    #[test]
    fn the_index_means_whom_the_rule_means(contacts in contacts(), query in query()) {
        let Some(rule) = bound(&query) else { return Ok(()) };
        let means = |contact: &&Contact| rule.matches(Subject::of(contact));
        let expected: BTreeSet<u32> = contacts.iter().filter(means).map(|contact| contact.ordinal.0).collect();
        for (certain, open) in asked(&contacts, &rule) {
            prop_assert!(certain.is_subset(&expected), "{query} does not mean {:?}", &certain - &expected);
            let possible = &certain | &open;
            prop_assert!(expected.is_subset(&possible), "{query} means {:?}, too", &expected - &possible);
        }
    }
}

#[test]
fn whose_score_time_changes_is_found_by_the_minute_and_nobody_else_has_anything_there() {
    let changing = |ordinal: u32, changes_at: Option<DateTime<Utc>>| {
        let email = format!("c{ordinal}@example.com");
        let profile = Profile::new(Email::parse(&email).unwrap(), email.clone(), Status::Active);
        let contact = contact(ordinal, &email, profile, 5, now());
        Contact { fold: Fold { changes_at, ..contact.fold.clone() }, ..contact }
    };
    let in_seconds = |seconds| Some(now() + TimeDelta::seconds(seconds));
    let contacts = [None, in_seconds(-90), in_seconds(30), in_seconds(3_600)];
    let contacts: Vec<Contact> = (0..).zip(contacts).map(|(n, at)| changing(n, at)).collect();
    let facts: Vec<Facts> = contacts.iter().map(Facts::of).collect();
    assert_eq!(facts[0].columns.len() + 1, facts[1].columns.len());
    let due = |at| {
        let Question::Number(field, test) = Question::score_changes_by(at) else { panic!("no number") };
        let due = |facts: &&Facts| facts.columns.get(&field).is_some_and(|minute| test.holds(*minute));
        facts.iter().filter(due).count()
    };
    let [early, soon, late] = [-120, 30, 3_700].map(|seconds| due(now() + TimeDelta::seconds(seconds)));
    assert_eq!((early, soon, late), (1, 2, 3));
}

#[test]
fn usual_rules_leave_nobody_to_be_looked_at() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let people = vec(contacts(), 20).new_tree(&mut runner).unwrap().current();
    for query in [
        "industry:acme AND score:>50",
        "NOT status:unsubscribed AND job_title:jane",
        "tier:hot OR vip:false",
        "jan* OR company:*corp",
        "jan",
        "email:jane@example.com",
        "email:jan*",
        "email:*@example.com",
        "email:jane.doe*",
        "email:contains(ane)",
        "email:*e@example.com",
        "jane.doe@exa",
        "has:phone AND missing:birthday",
        "phone:ends_with(\"0100\")",
        "birthday:anniversary_in_next(30d)",
        "created_at:this_year",
        "tag:vip -tag:partner",
        "budget:20..50",
        "list:L0 AND NOT segment:cool AND has:lists",
    ] {
        for people in &people {
            // An address in another normal form has to be looked at.
            let people: Vec<Contact> =
                people.iter().filter(|contact| contact.profile.email.as_str().is_ascii()).cloned().collect();
            let [_, (_, open)] = asked(&people, &bound(query).expect(query));
            let of = |ordinal: &u32| people.iter().find(|contact| contact.ordinal.0 == *ordinal).unwrap();
            let is_long =
                |ordinal: &u32| of(ordinal).profile.company.as_deref().is_some_and(|text| text.len() > 90);
            assert!(open.iter().all(is_long), "{query} leaves {open:?} open");
        }
    }
}
