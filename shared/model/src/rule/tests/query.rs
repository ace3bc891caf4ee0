use proptest::prelude::*;

use super::any::any_rule;
use crate::rule::{MAX_BYTES, Place, Rule, RuleError};

/// Reads a query, checks that its canonical form reads back as the same, and gives that form.
fn canonical(query: &str) -> String {
    let parsed = Rule::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let printed = parsed.rule.to_string();
    let again = Rule::parse(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
    assert_eq!(again.rule, parsed.rule, "{printed}");
    assert_eq!(parsed.places.len(), parsed.rule.leaves());
    printed
}

fn refused(query: &str) -> (usize, String) {
    let RuleError { detail, place, .. } = Rule::parse(query).expect_err(query);
    let Place::Column(column) = place else { panic!("{place}") };
    (column, detail.into_owned())
}

#[test]
fn the_examples_of_the_language_are_canonical_as_they_are_written() {
    for query in [
        "industry:SaaS AND (score:>50 OR tier:hot) AND NOT status:unsubscribed",
        "field:\"two words\"",
        "field:(a OR b)",
        "field:10..20",
        "field:jan*",
        "has:phone",
        "last_opened_at:<30d",
        "last_opened_at:>30d",
        "list:NAME",
        "segment:NAME",
        "jane",
    ] {
        assert_eq!(canonical(query), query);
    }
}

#[test]
fn what_means_the_same_has_one_canonical_form() {
    for (query, expected) in [
        ("-tag:partner", "NOT tag:partner"),
        ("score>50", "score:>50"),
        ("score>=50", "score:>=50"),
        ("score > 50", "score:>50"),
        ("score: > 50", "score:>50"),
        ("score=50", "score:=50"),
        ("score!=50", "score:!=50"),
        ("score:50..", "score:>=50"),
        ("score:..50", "score:<=50"),
        ("score:-5..-1.5", "score:-5..-1.5"),
        ("Score:50", "score:50"),
        ("a b", "a AND b"),
        ("a and b or not c", "a AND b OR NOT c"),
        ("a AND (b AND c)", "a AND (b AND c)"),
        ("((a))", "a"),
        ("a OR b AND c", "a OR b AND c"),
        ("(a OR b) c", "(a OR b) AND c"),
        ("NOT a b", "NOT a AND b"),
        ("- a", "NOT a"),
        ("NOT (a b)", "NOT (a AND b)"),
        ("--a", "NOT NOT a"),
        ("jan*", "jan"),
        ("\"jane doe\"", "\"jane doe\""),
        ("\"jane\"", "jane"),
        ("jane@example.com", "jane@example.com"),
        ("industry: SaaS", "industry:SaaS"),
        ("attributes.industry:SaaS", "industry:SaaS"),
        ("attributes.score:5", "attributes.score:5"),
        ("\"Subscription Date\":2025-03-01", "subscription_date:2025-03-01"),
        ("tags:partner", "tag:partner"),
        ("tag:(a OR \"b c\")", "tag:(a OR \"b c\")"),
        ("tag:has_all(a, b)", "tags:has_all(a, b)"),
        ("tags:is(a)", "tags:is(a)"),
        ("tag:today", "tag:today"),
        ("tags:during(today)", "tags:during(today)"),
        ("company:(Acme, \"Foo, Inc.\")", "company:(Acme OR \"Foo, Inc.\")"),
        ("company:*corp", "company:*corp"),
        ("company:*cor*", "company:*cor*"),
        ("company:*", "has:company"),
        ("company:\"a b\"*", "company:\"a b\"*"),
        ("missing:company", "missing:company"),
        ("has:tag", "has:tags"),
        ("zip:07001", "zip:07001"),
        ("zip:\"94105\"", "zip:\"94105\""),
        ("zip:94105", "zip:94105"),
        ("vip:true", "vip:true"),
        ("vip:\"true\"", "vip:\"true\""),
        ("url:https://example.com/?a=b", "url:https://example.com/?a=b"),
        ("created_at:>2026-11-23T08:00:00Z", "created_at:>2026-11-23T08:00:00Z"),
        ("created_at:2026-01-01..2026-02-01", "created_at:2026-01-01..2026-02-01"),
        ("created_at:this_week", "created_at:this_week"),
        ("created_at:during(this_week)", "created_at:this_week"),
        ("x:\"this_week\"", "x:\"this_week\""),
        ("x:>\"30d\"", "x:>\"30d\""),
        ("x:30d", "x:30d"),
        ("x:older_than(30d)", "x:>30d"),
        ("x:in_next(2w)", "x:in_next(2w)"),
        ("birthday:anniversary_in_next(7d)", "birthday:anniversary_in_next(7d)"),
        ("industry:not_in(a, b)", "industry:not_in(a, b)"),
        ("x:between(1, 2)", "x:1..2"),
        ("x:\"a..\"..b", "x:\"a..\"..b"),
        ("list:\"Hot US\"", "list:\"Hot US\""),
        ("list:50", "list:50"),
        ("\"or\"", "\"or\""),
        ("x:\"OR\"", "x:\"OR\""),
        ("\"-a\"", "\"-a\""),
        ("x:\"\\u{1}\\n\\\"\\\\\"", "x:\"\\u{1}\\n\\\"\\\\\""),
    ] {
        assert_eq!(canonical(query), expected, "{query}");
    }
}

#[test]
fn an_error_says_the_column_and_what_was_expected() {
    for (query, column, told) in [
        ("", 1, "the query is empty"),
        (" \t", 1, "the query is empty"),
        ("\"\"", 1, "nothing to look for"),
        ("score:", 7, "expected a value, found the end"),
        ("score:>", 8, "expected a value, found the end"),
        ("status:active AND", 18, "expected a condition such as"),
        ("status:active OR OR a", 18, "found `OR`"),
        ("(status:active", 15, "expected `)`, found the end"),
        ("status:active)", 14, "no bracket is open"),
        ("()", 2, "expected a condition"),
        ("é score:>>5", 10, "expected a value, found `>5`"),
        ("a:b\"c\"", 4, "expected white space"),
        ("company:\"Acme", 9, "expected a closing `\"`"),
        ("x:\"\\q\"", 4, "expected one of `\\\"`"),
        ("x:\"\\u{110000}\"", 4, "expected one of `\\\"`"),
        ("company:Acme(US)", 9, "no operator"),
        ("company:contians(x)", 9, "did you mean `contains`?"),
        ("created_at:during(this_wek)", 19, "did you mean `this_week`?"),
        ("created_at:in_last(30 days)", 20, "expected a span of time such as `30d`"),
        ("created_at:<500y", 13, "expected a span of time"),
        ("x:(a b)", 6, "expected `OR`, `,` or `)`"),
        ("x:()", 4, "expected a value"),
        ("x:AND", 3, "expected a value (one of the words"),
        ("a*b", 3, "expected white space"),
        ("*a", 1, "expected a condition"),
        ("!!!:5", 1, "expected a condition"),
        ("\"!!!\":5", 1, "can name no field"),
        ("has:", 5, "expected the name of a field"),
        ("list:", 6, "expected the name of a list"),
        ("list>5", 5, "expected `:`"),
        ("a \u{1}", 3, "expected a condition"),
    ] {
        let (at, detail) = refused(query);
        assert!(at == column && detail.contains(told), "{query}: column {at}: {detail}");
    }
}

#[test]
fn the_limits_are_kept() {
    let code = |query: &str| Rule::parse(query).expect_err("over a limit").code;
    assert!(Rule::parse(&format!("{}a", "-".repeat(9))).is_ok());
    assert_eq!(code(&format!("{}a", "-".repeat(10))), "rule_too_deep");
    assert_eq!(code(&format!("{}a", "(".repeat(8_000))), "rule_too_deep");
    assert!(Rule::parse(&"a ".repeat(200)).is_ok());
    assert_eq!(code(&"a ".repeat(201)), "too_many_conditions");
    let values = |count: usize| format!("x:({})", vec!["a"; count].join(","));
    assert!(Rule::parse(&values(1_000)).is_ok());
    assert_eq!(code(&values(1_001)), "too_many_values");
    assert!(Rule::parse(&"a".repeat(MAX_BYTES)).is_ok());
    assert_eq!(code(&"a".repeat(MAX_BYTES + 1)), "rule_too_large");
}

proptest! {
    #[test]
    fn every_rule_is_printed_as_a_query_that_reads_back(rule in any_rule()) {
        let query = rule.to_string();
        let parsed = Rule::parse(&query).map_err(|error| TestCaseError::fail(format!("{query}\n{error}")))?;
        prop_assert_eq!(&parsed.rule, &rule, "{}", query);
        prop_assert_eq!(parsed.places.len(), rule.leaves());
    }

    #[test]
    fn no_text_upsets_the_reader(query in "\\PC{0,40}|[-a-c0-9 .,:!*<>=()\"\\\\{}nu]{0,40}|((score|tag|has|list|NOT|OR|AND|-|\\(|\\)|:|>|<30d|today|x)[ ]?){0,12}") {
        if let Ok(parsed) = Rule::parse(&query) {
            let printed = parsed.rule.to_string();
            prop_assert_eq!(Rule::parse(&printed).map(|again| again.rule), Ok(parsed.rule), "{}", printed);
        }
    }
}
