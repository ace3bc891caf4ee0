//! Every operator on every type.

use std::collections::BTreeSet;

use serde_json::json;

use super::jane::{Known, bound, fields, finds, finds_of, jane, now};
use crate::rule::{Kind, Operator, Rule, Subject, bind};
use crate::{Email, FieldSlug};

/// Of each operator: a type, a query that finds Jane, and one that does not.
const TABLE: &[(&str, Kind, &str, &str)] = &[
    ("is", Kind::Text, "industry:\"software AS A service\"", "industry:software"),
    ("is", Kind::Text, "first_name:jane", "first_name:jan"),
    ("is", Kind::Text, "status:Active", "status:pending"),
    ("is", Kind::Text, "tier:warm", "tier:hot"),
    ("is", Kind::Text, "company:\"STRASSE & sohne gmbh\"", "company:\"strase & sohne gmbh\""),
    ("is", Kind::Text, "phone:\"+1 415-555-0100\"", "phone:4155550100"),
    ("is", Kind::Text, "email:\" Jane.Doe@EXAMPLE.com\"", "email:jane"),
    ("is", Kind::Text, "id:00000000-0000-0000-0000-000000000007", "id:7"),
    ("is", Kind::Number, "budget:120000.00", "budget:12"),
    ("is", Kind::Number, "score:42", "score:43"),
    ("is", Kind::Boolean, "vip_status:true", "vip_status:FALSE"),
    ("is", Kind::Day, "renewal:2026-11-30", "renewal:2026-12-01"),
    ("is", Kind::Instant, "last_opened_at:2026-11-01", "last_opened_at:2026-11-02"),
    ("is", Kind::Instant, "last_opened_at:2026-11-01T13:00:00+01:00", "last_opened_at:2026-11-01T13:00:00Z"),
    ("is_not", Kind::Text, "industry:is_not(Retail)", "industry:is_not(\"Software as a service\")"),
    ("is_not", Kind::Number, "score:is_not(5)", "score:is_not(42)"),
    ("is_not", Kind::Boolean, "vip_status:is_not(false)", "vip_status:is_not(true)"),
    ("is_not", Kind::Day, "renewal:is_not(2026-01-01)", "renewal:is_not(2026-11-30)"),
    ("is_not", Kind::Instant, "last_opened_at:is_not(2026-11-02)", "last_opened_at:is_not(2026-11-01)"),
    ("in", Kind::Text, "status:(pending OR active)", "status:(pending OR bounced)"),
    ("in", Kind::Number, "score:(41 OR 42)", "score:(41, 43)"),
    ("in", Kind::Boolean, "vip_status:(true)", "vip_status:(false)"),
    ("in", Kind::Day, "renewal:(2026-11-29 OR 2026-11-30)", "renewal:(2026-11-29)"),
    ("in", Kind::Instant, "last_opened_at:(2026-11-01)", "last_opened_at:(2026-10-31)"),
    ("not_in", Kind::Text, "status:not_in(pending)", "status:not_in(pending, active)"),
    ("not_in", Kind::Number, "score:not_in(1, 2)", "score:not_in(42)"),
    ("not_in", Kind::Boolean, "vip_status:not_in(false)", "vip_status:not_in(true)"),
    ("not_in", Kind::Day, "renewal:not_in(2026-11-29)", "renewal:not_in(2026-11-30)"),
    ("not_in", Kind::Instant, "last_opened_at:not_in(2026-11-02)", "last_opened_at:not_in(2026-11-01)"),
    ("contains", Kind::Text, "industry:*\"ware as\"*", "industry:*hardware*"),
    ("not_contains", Kind::Text, "industry:not_contains(hardware)", "industry:not_contains(WARE)"),
    ("starts_with", Kind::Text, "industry:\"SOFTWARE as\"*", "industry:service*"),
    ("starts_with", Kind::Text, "phone:+1415*", "phone:1415*"),
    ("ends_with", Kind::Text, "company:*gmbh", "company:*sohne"),
    ("exists", Kind::Text, "has:phone", "has:job_title"),
    ("exists", Kind::Number, "has:budget", "has:seats"),
    ("exists", Kind::Boolean, "has:vip_status", "has:beta"),
    ("exists", Kind::Day, "has:renewal", "has:birthday"),
    ("exists", Kind::Instant, "has:last_opened_at", "has:last_clicked_at"),
    ("exists", Kind::Tags, "has:tag", "NOT has:tags"),
    ("exists", Kind::Lists, "has:lists", "NOT has:lists"),
    ("missing", Kind::Text, "missing:job_title", "missing:phone"),
    ("missing", Kind::Number, "missing:seats", "missing:score"),
    ("missing", Kind::Instant, "missing:last_clicked_at", "missing:created_at"),
    ("missing", Kind::Tags, "NOT missing:tags", "missing:tags"),
    ("eq", Kind::Number, "score=42", "score=41"),
    ("ne", Kind::Number, "score!=41", "score!=42"),
    ("gt", Kind::Number, "score>41", "score>42"),
    ("gt", Kind::Day, "renewal:>2026-11-29", "renewal:>2026-11-30"),
    ("gt", Kind::Instant, "last_opened_at:>2026-10-31", "last_opened_at:>2026-11-01"),
    ("gt", Kind::Instant, "last_opened_at:>2026-11-01T11:59:59Z", "last_opened_at:>2026-11-01T12:00:00Z"),
    ("gte", Kind::Number, "score:42..", "score>=42.5"),
    ("gte", Kind::Day, "renewal:>=2026-11-30", "renewal:>=2026-12-01"),
    ("gte", Kind::Instant, "last_opened_at:>=2026-11-01", "last_opened_at:>=2026-11-02"),
    ("lt", Kind::Number, "score<43", "score<42"),
    ("lt", Kind::Day, "renewal:<2026-12-01", "renewal:<2026-11-30"),
    ("lt", Kind::Instant, "last_opened_at:<2026-11-02", "last_opened_at:<2026-11-01"),
    ("lte", Kind::Number, "score:..42", "score<=-42"),
    ("lte", Kind::Day, "renewal:<=2026-11-30", "renewal:<=2026-11-29"),
    ("lte", Kind::Instant, "last_opened_at:<=2026-11-01", "last_opened_at:<=2026-10-31"),
    ("between", Kind::Number, "score:42..50", "score:43..50"),
    ("between", Kind::Day, "renewal:2026-11-01..2026-11-30", "renewal:2026-11-01..2026-11-29"),
    (
        "between",
        Kind::Instant,
        "last_opened_at:2026-10-01..2026-11-01",
        "last_opened_at:2026-10-01..2026-10-31",
    ),
    ("on", Kind::Day, "renewal:on(2026-11-30)", "renewal:on(2026-11-29)"),
    ("on", Kind::Instant, "last_opened_at:on(2026-11-01)", "last_opened_at:on(2026-10-31)"),
    ("before", Kind::Day, "renewal:before(2026-12-01)", "renewal:before(2026-11-30)"),
    ("before", Kind::Instant, "last_opened_at:before(2026-11-02)", "last_opened_at:before(2026-11-01)"),
    ("after", Kind::Day, "renewal:after(2026-11-29)", "renewal:after(2026-11-30)"),
    ("after", Kind::Instant, "last_opened_at:after(2026-10-31)", "last_opened_at:after(2026-11-01)"),
    ("in_last", Kind::Instant, "last_opened_at:<30d", "last_opened_at:<22d"),
    ("in_last", Kind::Day, "renewal:in_next(8d)", "renewal:in_last(1y)"),
    ("in_next", Kind::Day, "renewal:in_next(8d)", "renewal:in_next(7d)"),
    ("in_next", Kind::Instant, "NOT last_opened_at:in_next(1y)", "last_opened_at:in_next(1y)"),
    ("older_than", Kind::Instant, "last_opened_at:>3w", "last_opened_at:>30d"),
    ("older_than", Kind::Day, "NOT renewal:>1d", "renewal:>1d"),
    ("during", Kind::Instant, "last_opened_at:this_month", "last_opened_at:last_month"),
    ("during", Kind::Day, "renewal:next_week", "renewal:this_week"),
    (
        "anniversary_in_next",
        Kind::Instant,
        "created_at:anniversary_in_next(1d)",
        "updated_at:anniversary_in_next(1w)",
    ),
    (
        "anniversary_in_next",
        Kind::Day,
        "NOT renewal:anniversary_in_next(8d)",
        "renewal:anniversary_in_next(8d)",
    ),
    ("has_any", Kind::Tags, "tag:(customer OR partner)", "tag:part"),
    ("has_any", Kind::Lists, "lists:has_any(VIP, Old)", "lists:has_any(Old)"),
    ("has_all", Kind::Tags, "tags:has_all(EU, Partner)", "tags:has_all(eu, us)"),
    ("has_all", Kind::Lists, "lists:has_all(VIP)", "lists:has_all(VIP, Old)"),
    ("has_none", Kind::Tags, "tags:has_none(us)", "tags:has_none(us, EU)"),
    ("has_none", Kind::Lists, "lists:has_none(Old)", "lists:has_none(VIP)"),
];

#[test]
fn every_operator_finds_whom_it_should_and_nobody_else() {
    for (operator, _, finding, missing) in TABLE {
        assert!(finds(finding), "{operator}: {finding}");
        assert!(!finds(missing), "{operator}: {missing}");
    }
    let covered: BTreeSet<&str> = TABLE.iter().map(|(operator, ..)| *operator).collect();
    assert_eq!(covered, Operator::NAMES.map(|(_, name)| name).into());
}

/// Gives a value that fits an operator on a type, if any does.
fn fitting(kind: Kind, operator: &str) -> Option<serde_json::Value> {
    let value = match kind {
        Kind::Text => json!("a"),
        Kind::Number => json!(1),
        Kind::Boolean => json!(true),
        Kind::Day | Kind::Instant => json!("2026-01-01"),
        Kind::Tags => json!("a"),
        Kind::Lists => json!("VIP"),
    };
    [json!(null), value.clone(), json!([value, value]), json!("30d"), json!("today")]
        .into_iter()
        .find(|value| is_accepted(kind, operator, value))
}

fn is_accepted(kind: Kind, operator: &str, value: &serde_json::Value) -> bool {
    let parsed = Rule::from_json(&json!({"field": absent(kind), "op": operator, "value": value}));
    parsed.is_ok_and(|parsed| bind(&parsed, &fields(), &Known, &now()).is_ok())
}

/// Names a field of a type that the nameless contact has not.
fn absent(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "city",
        Kind::Number => "seats",
        Kind::Boolean => "beta",
        Kind::Day => "birthday",
        Kind::Instant => "last_clicked_at",
        Kind::Tags => "tags",
        Kind::Lists => "lists",
    }
}

#[test]
fn types_have_the_operators_that_the_documentation_says_and_missing_values_pass_five_of_them() {
    let nobody = {
        let mut contact = jane();
        contact.profile.tags.clear();
        contact
    };
    const EQUAL: [&str; 4] = ["is", "is_not", "in", "not_in"];
    const PARTS: [&str; 4] = ["contains", "not_contains", "starts_with", "ends_with"];
    const ORDER: [&str; 5] = ["gt", "gte", "lt", "lte", "between"];
    const TIME: [&str; 8] =
        ["on", "before", "after", "in_last", "in_next", "older_than", "during", "anniversary_in_next"];
    const SETS: [&str; 3] = ["has_any", "has_all", "has_none"];
    let documented: [(Kind, &[&[&str]]); 7] = [
        (Kind::Text, &[&EQUAL, &PARTS]),
        (Kind::Number, &[&EQUAL, &["eq", "ne"], &ORDER]),
        (Kind::Boolean, &[&EQUAL]),
        (Kind::Day, &[&EQUAL, &ORDER, &TIME]),
        (Kind::Instant, &[&EQUAL, &ORDER, &TIME]),
        (Kind::Tags, &[&SETS]),
        (Kind::Lists, &[&SETS]),
    ];
    for (kind, operators) in documented {
        let mut expected: BTreeSet<&str> = operators.iter().flat_map(|group| group.iter().copied()).collect();
        expected.extend(["exists", "missing"]);
        let accepted = Operator::NAMES
            .into_iter()
            .filter(|(_, name)| fitting(kind, name).is_some())
            .map(|(_, name)| name);
        assert_eq!(accepted.collect::<BTreeSet<_>>(), expected, "{kind}");
        let tested: BTreeSet<&str> =
            TABLE.iter().filter(|(_, of, ..)| *of == kind).map(|(operator, ..)| *operator).collect();
        assert!(tested.is_subset(&expected), "the table asks {kind} for what they have not: {tested:?}");
        for operator in expected {
            let tree = json!({"field": absent(kind), "op": operator, "value": fitting(kind, operator)});
            let query = Rule::from_json(&tree).unwrap().rule.to_string();
            let on_no_list = {
                let (_, bound, _) = bound(&query, &now());
                bound.matches(Subject { contact: &nobody, lists: &BTreeSet::new() })
            };
            let denies = ["missing", "is_not", "not_in", "not_contains", "has_none"].contains(&operator);
            assert_eq!(on_no_list, denies, "{kind}: {query}");
        }
    }
}

#[test]
fn a_field_that_nobody_has_is_missing_everywhere_and_told() {
    assert!(
        !finds("scroe:>5") && finds("NOT scroe:>5") && finds("missing:scroe") && finds("scroe:is_not(5)")
    );
    let (_, _, warnings) = bound("tier:hot AND scroe:>5", &now());
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert_eq!((warning.code, warning.field.as_str()), ("unknown_field", "scroe"));
    assert_eq!(warning.did_you_mean.as_deref(), Some("score"));
    assert_eq!(warning.place.to_string(), "column 14");
    let (_, _, warnings) = bound("industri:x", &now());
    assert_eq!(warnings[0].did_you_mean.as_deref(), Some("industry"));
    let (_, _, warnings) = bound("status:(active OR unsubscribd)", &now());
    assert_eq!(
        (warnings[0].code, warnings[0].did_you_mean.as_deref()),
        ("unknown_value", Some("unsubscribed"))
    );
}

#[test]
fn a_custom_field_with_the_name_of_a_standard_one_is_reached_by_its_prefix() {
    let mut contact = jane();
    let slug = FieldSlug::from_name("score").unwrap();
    let fields = crate::Fields::from_iter([crate::Field::new("t1".parse().unwrap(), slug, "Score")]);
    contact.profile.attributes =
        [("t1".parse().unwrap(), crate::AttributeValue::Text("high".to_owned()))].into();
    let parsed = Rule::parse("attributes.score:high AND score:42").unwrap();
    let (bound, _) = bind(&parsed, &fields, &Known, &now()).unwrap();
    assert!(bound.matches(Subject { contact: &contact, lists: &BTreeSet::new() }));
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    assert!(finds("score:42 OR score:1 AND score:2"));
    assert!(!finds("(score:42 OR score:1) AND score:2"));
    assert!(finds("NOT score:1 AND score:42"));
    assert!(!finds("NOT (score:1 OR score:42)"));
    assert!(finds("score:42 tier:warm -tag:customer"));
}

#[test]
fn lists_and_segments_are_memberships() {
    assert!(finds("list:VIP") && !finds("list:Old"));
    assert!(finds("has:lists") && finds("lists:has_any(VIP, Old)") && !finds("lists:has_all(VIP, Old)"));
    assert!(finds("segment:Warm") && finds("segment:\"Warm VIP\"") && !finds("NOT segment:Warm"));
}

#[test]
fn who_is_on_nothing_but_a_deleted_list_is_on_none() {
    let (_, bound, _) = bound("missing:lists", &now());
    let contact = jane();
    let on = |list| bound.matches(Subject { contact: &contact, lists: &BTreeSet::from([list]) });
    assert!(on(crate::ListNumber(9)) && !on(super::jane::OLD));
}

#[test]
fn the_examples_of_the_product_mean_what_they_say() {
    let query = "industry:SaaS AND (score:>50 OR tier:hot) AND NOT status:unsubscribed";
    let mut contact = jane();
    let id = fields().get(&FieldSlug::from_name("industry").unwrap()).unwrap().id;
    contact.profile.attributes.insert(id, crate::AttributeValue::Text("saas".to_owned()));
    assert!(!finds_of(&contact, query, &now()));
    contact.score = 51;
    assert!(finds_of(&contact, query, &now()));
    contact.profile.status = crate::Status::Unsubscribed;
    assert!(!finds_of(&contact, query, &now()));
    contact.profile.email = Email::parse("zoe@example.com").unwrap();
    assert!(finds_of(&contact, "zoe", &now()));
}
