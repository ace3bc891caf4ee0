//! What the clock does to conditions.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::select;

use super::jane::{fields, finds_of, instant, jane, moment, now};
use crate::rule::Moment;
use crate::{AttributeValue, Contact, Engagement, FieldSlug};

fn with_day(day: &str) -> Contact {
    let mut contact = jane();
    let id = fields().get(&FieldSlug::from_name("birthday").unwrap()).unwrap().id;
    contact.profile.attributes.insert(id, AttributeValue::Date(day.parse().unwrap()));
    contact
}

fn with_instant(at: &str) -> Contact {
    let mut contact = jane();
    contact.profile.engagement.insert(Engagement::Clicked, instant(at));
    contact
}

#[test]
fn spans_of_days_include_today_and_exclude_their_far_end() {
    for (day, query, expected) in [
        ("2026-11-23", "birthday:<1d", true),
        ("2026-11-22", "birthday:<1d", false),
        ("2026-11-22", "birthday:>1d", true),
        ("2026-11-23", "birthday:>1d", false),
        ("2026-11-24", "birthday:<1d", false),
        ("2026-11-23", "birthday:in_next(1d)", true),
        ("2026-11-24", "birthday:in_next(1d)", false),
        ("2026-11-24", "birthday:in_next(2d)", true),
        ("2026-11-17", "birthday:<1w", true),
        ("2026-11-16", "birthday:<1w", false),
        ("2026-10-24", "birthday:<1mo", true),
        ("2026-10-23", "birthday:<1mo", false),
        ("2025-11-23", "birthday:>1y", true),
        ("2025-11-24", "birthday:>1y", false),
    ] {
        assert_eq!(finds_of(&with_day(day), query, &now()), expected, "{query} of {day}");
    }
}

#[test]
fn spans_of_instants_are_exact_up_to_weeks_and_count_days_above() {
    for (at, query, expected) in [
        ("2026-11-23T12:00:00Z", "last_clicked_at:<1m", true),
        ("2026-11-23T12:00:00.001Z", "last_clicked_at:<1m", false),
        ("2026-11-23T12:00:00.001Z", "last_clicked_at:in_next(1m)", true),
        ("2026-11-23T12:01:00Z", "last_clicked_at:in_next(1m)", true),
        ("2026-11-23T12:01:00.001Z", "last_clicked_at:in_next(1m)", false),
        ("2026-10-24T12:00:00Z", "last_clicked_at:<30d", false),
        ("2026-10-24T12:00:00Z", "last_clicked_at:>30d", true),
        ("2026-10-24T12:00:00.001Z", "last_clicked_at:<30d", true),
        ("2026-10-24T00:00:00Z", "last_clicked_at:<1mo", true),
        ("2026-10-23T23:59:59Z", "last_clicked_at:<1mo", false),
        ("2026-10-23T23:59:59Z", "last_clicked_at:>1mo", true),
        ("2026-12-22T23:59:59Z", "last_clicked_at:in_next(1mo)", true),
        ("2026-12-23T00:00:00Z", "last_clicked_at:in_next(1mo)", false),
    ] {
        assert_eq!(finds_of(&with_instant(at), query, &now()), expected, "{query} of {at}");
    }
}

#[test]
fn periods_are_those_of_the_tenants_calendar() {
    for (now, zone, at, period) in [
        ("2026-11-23T12:00:00Z", "UTC", "2026-11-23T00:00:00Z", "today"),
        ("2026-11-23T12:00:00Z", "UTC", "2026-11-22T23:59:59Z", "yesterday"),
        ("2026-11-23T12:00:00Z", "UTC", "2026-11-22T23:59:59Z", "last_week"),
        ("2026-11-23T12:00:00Z", "UTC", "2026-11-29T23:59:59Z", "this_week"),
        ("2026-11-23T12:00:00Z", "UTC", "2026-11-30T00:00:00Z", "next_week"),
        ("2026-11-23T12:00:00Z", "UTC", "2026-10-31T23:59:59Z", "last_month"),
        ("2026-11-23T12:00:00Z", "UTC", "2026-12-31T23:59:59Z", "this_quarter"),
        ("2026-11-23T12:00:00Z", "UTC", "2027-01-01T00:00:00Z", "next_quarter"),
        ("2026-11-23T12:00:00Z", "UTC", "2025-01-01T00:00:00Z", "last_year"),
        // Midnight in Berlin is an hour earlier than in London, in Auckland eleven.
        ("2026-11-23T12:00:00Z", "Europe/Berlin", "2026-11-22T23:00:00Z", "today"),
        ("2026-11-23T12:00:00Z", "Pacific/Auckland", "2026-11-23T11:00:00Z", "today"),
        ("2026-12-31T12:00:00Z", "Pacific/Auckland", "2026-12-31T11:00:00Z", "this_year"),
        ("2026-11-23T12:00:00Z", "America/New_York", "2026-11-23T04:59:59Z", "yesterday"),
    ] {
        let (now, contact) = (moment(now, zone), with_instant(at));
        assert!(finds_of(&contact, &format!("last_clicked_at:{period}"), &now), "{at} is {period} in {zone}");
    }
}

#[test]
fn days_of_instants_are_those_of_the_tenants_zone() {
    let berlin = moment("2026-11-23T12:00:00Z", "Europe/Berlin");
    let contact = with_instant("2026-07-01T22:30:00Z");
    for (query, expected) in [
        ("last_clicked_at:2026-07-02", true),
        ("last_clicked_at:2026-07-01", false),
        ("last_clicked_at:>2026-07-01", true),
        ("last_clicked_at:<=2026-07-01", false),
        ("last_clicked_at:2026-07-02..2026-07-02", true),
        ("last_clicked_at:<2026-07-01T22:30:01Z", true),
    ] {
        assert_eq!(finds_of(&contact, query, &berlin), expected, "{query}");
    }
}

#[test]
fn an_anniversary_is_the_day_in_a_later_year() {
    for (day, on, query, expected) in [
        ("1990-11-25", "2026-11-23", "birthday:anniversary_in_next(2d)", false),
        ("1990-11-25", "2026-11-23", "birthday:anniversary_in_next(3d)", true),
        ("1990-11-23", "2026-11-23", "birthday:anniversary_in_next(1d)", true),
        ("1990-11-22", "2026-11-23", "birthday:anniversary_in_next(4w)", false),
        ("1990-01-02", "2026-12-30", "birthday:anniversary_in_next(1w)", true),
        ("2000-02-29", "2026-02-28", "birthday:anniversary_in_next(1d)", true),
        ("2000-02-29", "2028-02-28", "birthday:anniversary_in_next(1d)", false),
        ("2000-02-29", "2028-02-28", "birthday:anniversary_in_next(2d)", true),
        // The day itself is none, and neither is a day ahead.
        ("2026-11-23", "2026-11-23", "birthday:anniversary_in_next(1w)", false),
        ("2030-11-25", "2026-11-23", "birthday:anniversary_in_next(1w)", false),
    ] {
        let now = moment(&format!("{on}T12:00:00Z"), "UTC");
        assert_eq!(finds_of(&with_day(day), query, &now), expected, "{query} of {day} on {on}");
    }
}

#[test]
fn the_ends_of_the_calendar_do_no_harm() {
    let now = now();
    for day in ["0001-01-01", "9999-12-31", "+262142-12-31", "-262143-01-01"] {
        let Ok(day) = day.parse::<NaiveDate>() else { panic!("{day}") };
        for query in [
            "birthday:<100y",
            "birthday:>100y",
            "birthday:in_next(1200mo)",
            "birthday:last_quarter",
            "birthday:anniversary_in_next(100y)",
        ] {
            finds_of(&with_day(&day.to_string()), query, &now);
        }
        let query = format!("created_at:>\"{day}\" OR created_at:..\"{day}\"");
        finds_of(&jane(), &query, &now);
    }
}

/// Every condition that looks at the clock, on a day and on an instant.
pub(super) fn clock_conditions() -> Vec<String> {
    let spans = ["1d", "2d", "1w", "30d", "1mo", "2mo", "1y"];
    let of_spans = ["in_last", "in_next", "older_than", "anniversary_in_next"];
    let relative = of_spans.iter().flat_map(|op| spans.iter().map(move |span| format!("{op}({span})")));
    let periods = crate::rule::Period::NAMES.into_iter().map(|(_, name)| format!("during({name})"));
    let exact = ["in_last(5m)", "in_next(90m)", "older_than(36h)"].map(str::to_owned);
    let both: Vec<String> = relative.chain(periods).collect();
    let on_days = both.iter().map(|test| format!("birthday:{test}"));
    on_days.chain(both.iter().chain(&exact).map(|test| format!("last_clicked_at:{test}"))).collect()
}

pub(super) fn any_zone() -> impl Strategy<Value = &'static str> {
    select(vec![
        "UTC",
        "Europe/Berlin",
        "America/St_Johns",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "America/Sao_Paulo",
    ])
}

/// Gives an instant near one at which something odd happens to clocks or months.
pub(super) fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    let around = [
        "2026-11-23T12:00:00Z",
        "2024-02-29T00:00:00Z",
        "2026-03-01T00:00:00Z",
        "2026-12-31T23:59:00Z",
        "2026-03-29T01:00:00Z",
        "2010-11-07T02:30:00Z",
        "2011-12-30T10:00:00Z",
        "2018-11-04T03:00:00Z",
    ];
    (select(around.to_vec()), -60 * 24 * 40..60 * 24 * 40_i64)
        .prop_map(|(around, minutes)| instant(around) + TimeDelta::minutes(minutes))
}

/// Gives a contact with a day and an instant not far from now.
pub(super) fn aged(now: &Moment, days: i64, minutes: i64) -> Contact {
    let day = now.today + TimeDelta::days(days);
    let mut contact = with_day(&day.to_string());
    contact.profile.engagement.insert(Engagement::Clicked, now.now + TimeDelta::minutes(minutes));
    contact
}

proptest! {
    /// What holds at a moment is what the explanation, made at another one, foretells.
    #[test]
    fn a_value_that_is_not_ahead_is_either_in_the_last_span_or_older(
        at in any_instant(), zone in any_zone(), days in -800..=0_i64, minutes in -60 * 24 * 800..=0_i64,
        span in select(vec!["1d", "2w", "1mo", "7mo", "1y"]),
    ) {
        let now = moment(&at.to_rfc3339(), zone);
        let contact = aged(&now, days, minutes);
        for field in ["birthday", "last_clicked_at"] {
            let finds = |op: &str| finds_of(&contact, &format!("{field}:{op}({span})"), &now);
            prop_assert!(finds("in_last") != finds("older_than"), "{}", field);
            prop_assert!(!finds("in_next") || (field == "birthday" && days == 0));
        }
    }
}
