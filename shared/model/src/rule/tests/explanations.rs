use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::jane::{VIP, bound, instant, jane, moment, now};
use super::time::{aged, any_instant, any_zone, clock_conditions};
use crate::rule::{Explanation, Moment, Subject};
use crate::{Contact, Engagement};

fn explained(contact: &Contact, query: &str, moment: &Moment) -> Explanation {
    let (rule, bound, _) = bound(query, moment);
    bound.explain(&rule, Subject { contact, lists: &BTreeSet::from([VIP]) })
}

#[test]
fn each_node_tells_its_truth_and_what_was_read() {
    let query =
        "industry:SaaS OR (score:>=20 AND NOT tag:customer AND segment:Warm AND list:VIP AND has:job_title)";
    let whole = explained(&jane(), query, &now());
    assert!(!whole.holds);
    assert_eq!(whole.value, None);
    let [industry, rest] = whole.children.as_slice() else { panic!("{whole:?}") };
    assert_eq!((industry.holds, &industry.value), (false, &Some(json!("Software as a Service"))));
    assert_eq!(industry.rule.to_string(), "industry:SaaS");
    let told: Vec<_> =
        rest.children.iter().map(|node| (node.rule.to_string(), node.holds, node.value.clone())).collect();
    assert_eq!(
        told,
        [
            ("score:>=20".to_owned(), true, Some(json!(42))),
            ("NOT tag:customer".to_owned(), true, None),
            ("segment:Warm".to_owned(), true, None),
            ("list:VIP".to_owned(), true, Some(json!(true))),
            ("has:job_title".to_owned(), false, None),
        ]
    );
    assert_eq!(rest.children[1].children[0].value, Some(json!(["EU", "Partner"])));
    assert_eq!(rest.children[2].children[0].rule.to_string(), "score:20..49");
    let words = explained(&jane(), "jane", &now()).value.unwrap();
    assert_eq!(words["first_name"], "Jané");
}

#[test]
fn the_next_change_is_that_of_the_whole_rule() {
    let changes = |query: &str| explained(&jane(), query, &now()).changes_at;
    // Opened on 1 November at noon.
    assert_eq!(changes("last_opened_at:<30d"), Some(instant("2026-12-01T12:00:00Z")));
    assert_eq!(changes("last_opened_at:>30d"), Some(instant("2026-12-01T12:00:00Z")));
    assert_eq!(changes("NOT last_opened_at:<30d"), Some(instant("2026-12-01T12:00:00Z")));
    assert_eq!(changes("last_opened_at:<1d"), None);
    assert_eq!(changes("last_opened_at:this_month"), Some(instant("2026-12-01T00:00:00Z")));
    assert_eq!(changes("score:42"), None);
    // The first to fail ends an AND, the last to hold ends an OR.
    assert_eq!(changes("last_opened_at:<30d AND last_opened_at:<60d"), Some(instant("2026-12-01T12:00:00Z")));
    assert_eq!(changes("last_opened_at:<30d OR last_opened_at:<60d"), Some(instant("2026-12-31T12:00:00Z")));
    assert_eq!(changes("last_opened_at:<30d OR last_opened_at:>30d"), None);
    assert_eq!(changes("last_opened_at:<30d AND score:5"), None);
    assert_eq!(changes("renewal:today"), Some(instant("2026-11-30T00:00:00Z")));
    assert_eq!(changes("renewal:today AND NOT renewal:next_year"), Some(instant("2026-11-30T00:00:00Z")));
    // Renewed in November, so the anniversary comes next year.
    assert_eq!(changes("renewal:anniversary_in_next(1w)"), Some(instant("2027-11-24T00:00:00Z")));
    assert_eq!(changes("renewal:anniversary_in_next(1w) AND score:1"), None);
}

#[test]
fn conditions_inside_have_changes_of_their_own() {
    let whole = explained(&jane(), "last_opened_at:<30d AND score:5", &now());
    assert_eq!(whole.changes_at, None);
    assert_eq!(whole.children[0].changes_at, Some(instant("2026-12-01T12:00:00Z")));
}

#[test]
fn midnight_is_the_tenants() {
    let berlin = moment("2026-11-23T12:00:00Z", "Europe/Berlin");
    let changes = explained(&jane(), "renewal:today", &berlin).changes_at;
    assert_eq!(changes, Some(instant("2026-11-29T23:00:00Z")));
}

#[test]
fn a_rule_of_many_anniversaries_is_explained_soon_enough() {
    let mut contact = jane();
    contact.profile.engagement.insert(Engagement::Clicked, instant("2020-05-05T05:05:05Z"));
    let query = "last_clicked_at:anniversary_in_next(1d) ".repeat(200);
    let whole = explained(&contact, &query, &now());
    assert_eq!(whole.changes_at, Some(instant("2027-05-05T00:00:00Z")));
}

#[test]
fn a_rule_that_never_changes_is_not_said_to_change_where_anniversaries_are_followed_no_further() {
    let mut contact = jane();
    contact.profile.engagement.insert(Engagement::Clicked, instant("2026-11-25T00:00:00Z"));
    // Who is within the day is within the week.
    let query = "last_clicked_at:anniversary_in_next(1w) OR NOT last_clicked_at:anniversary_in_next(1d)";
    let whole = explained(&contact, query, &now());
    assert_eq!((whole.holds, whole.changes_at), (true, None));
}

/// Tells at which instants a rule may change, by looking at each day's start in a zone and at the
/// values themselves: between two of them everything stands still, but for exact spans.
fn holds(contact: &Contact, query: &str, at: DateTime<Utc>, zone: &str) -> bool {
    let moment = moment(&at.to_rfc3339(), zone);
    let (_, bound, _) = bound(query, &moment);
    bound.matches(Subject { contact, lists: &BTreeSet::from([VIP]) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn stepping_the_clock_finds_the_change_where_it_was_foretold(
        start in any_instant(),
        zone in any_zone(),
        days in prop_oneof![-70..70_i64, -800..800_i64],
        minutes in prop_oneof![-200..200_i64, -60 * 24 * 70..60 * 24 * 70_i64],
        conditions in vec((any::<bool>(), select(clock_conditions())), 1..4),
        joint in select(vec![" AND ", " OR "]),
        steps in vec(0.0..1.0_f64, 12),
    ) {
        let terms: Vec<String> =
            conditions.iter().map(|(denied, test)| format!("{}{test}", if *denied { "NOT " } else { "" })).collect();
        let query = terms.join(joint);
        let now = moment(&start.to_rfc3339(), zone);
        let contact = aged(&now, days, minutes);
        let whole = explained(&contact, &query, &now);
        let first = holds(&contact, &query, start, zone);
        prop_assert_eq!(whole.holds, first);
        let end = whole.changes_at.unwrap_or(start + TimeDelta::days(800));
        prop_assert!(end > start);
        // Anywhere before the change it is as at first, and so a millisecond before.
        let length = (end - start).num_milliseconds();
        let anywhere = steps.iter().map(|part| (part * length as f64) as i64);
        let each_day = (0..=(length / 86_400_000).min(100)).map(|day| length - 1 - day * 86_400_000);
        for ahead in anywhere.chain(each_day).chain([length - 1]).filter(|ahead| (0..length).contains(ahead)) {
            let at = start + TimeDelta::milliseconds(ahead);
            prop_assert_eq!(holds(&contact, &query, at, zone), first, "{} at {}, {} in {}", query, at, start, zone);
        }
        if whole.changes_at.is_some() {
            prop_assert_eq!(holds(&contact, &query, end, zone), !first, "{} at {}, {} in {}", query, end, start, zone);
        }
    }
}
