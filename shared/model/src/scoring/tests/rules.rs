use super::super::{ConditionKey, fold};
use super::*;
use crate::rule::Zone;
use crate::rule::invariants::contact;
use crate::{AttributeType, Field, FieldId, FieldSlug, Fields};

fn points(rules: &ScoringRules, facts: &[Fact]) -> Vec<i64> {
    fold(facts, rules, None).entries.iter().map(|entry| entry.points).collect()
}

fn opens(count: i64, minutes_apart: i64) -> Vec<Fact> {
    (0..count).map(|n| fact(n * minutes_apart, &format!("e{n:02}"), "email.opened")).collect()
}

#[test]
fn rules_come_back_as_they_were_read() {
    let json = json!({
        "rules": [
            {"id": "hard", "event": "email.bounced", "points": -50,
             "where": [{"property": "bounce_type", "op": "is", "value": "hard"}]},
            {"id": "saas", "event": "email.opened", "condition": "industry:SaaS", "points": 3, "once": true},
            {"id": "opened", "event": "email.opened", "points": 1, "cap": 10, "window": {"points": 2, "days": 7}},
            {"id": "gone", "event": "email.unsubscribed", "set_to": 0}
        ],
        "max_score": 100,
        "decay": {"half_life_days": 30},
        "tiers": {"warm": 10, "hot": 30}
    });
    assert_eq!(rules(json.clone()).to_json(), json);
    let defaults = ScoringRules::default();
    assert_eq!(ScoringRules::from_json(&defaults.to_json(), 0), Ok(defaults));
}

#[test]
fn each_fault_of_rules_has_its_place_and_code() {
    let rule = |members: Value| {
        let mut rule = json!({"id": "a", "event": "email.opened", "points": 1});
        rule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!({"rules": [rule]})
    };
    let test = |test: Value| rule(json!({"where": [test]}));
    let tree = json!({"condition": {"all": [{"field": "industry", "op": "is", "value": "x"}, {"field": "score", "op": "gt", "value": 5}]}});
    for (json, pointer, code) in [
        (json!([]), "", "invalid_value"),
        (json!({"rules": [], "max": 5}), "/max", "invalid_value"),
        (rule(json!({"points": "5"})), "/rules/0/points", "invalid_value"),
        (rule(json!({"id": "A b"})), "/rules/0/id", "invalid_rule_id"),
        (rule(json!({"event": "*"})), "/rules/0/event", "invalid_event_type"),
        (rule(json!({"points": 2_000_000})), "/rules/0/points", "out_of_range"),
        (rule(json!({"set_to": 0})), "/rules/0", "points_or_set_to"),
        (rule(json!({"points": null})), "/rules/0", "points_or_set_to"),
        (rule(json!({"points": null, "set_to": 0, "cap": 5})), "/rules/0", "not_with_set_to"),
        (rule(json!({"window": {"points": 5, "days": 0}})), "/rules/0/window/days", "invalid_value"),
        (
            test(json!({"property": "a", "op": "equals", "value": 1})),
            "/rules/0/where/0/op",
            "unknown_operator",
        ),
        (test(json!({"property": "a", "op": "is"})), "/rules/0/where/0/value", "invalid_rule"),
        (
            test(json!({"property": "a", "op": "in_last", "value": "3d"})),
            "/rules/0/where/0/op",
            "unsupported_operator",
        ),
        (rule(json!({"condition": "industry:"})), "/rules/0/condition", "invalid_query"),
        (rule(json!({"condition": "score>5"})), "/rules/0/condition", "not_in_conditions"),
        (rule(json!({"condition": "segment:VIP"})), "/rules/0/condition", "not_in_conditions"),
        (rule(tree), "/rules/0/condition/all/1/field", "not_in_conditions"),
        (json!({"rules": [], "tiers": {"warm": 50, "hot": 50}}), "/tiers", "invalid_tiers"),
        (json!({"rules": [], "max_score": 0}), "/max_score", "out_of_range"),
        (json!({"rules": [], "decay": {"half_life_days": 0}}), "/decay/half_life_days", "invalid_value"),
    ] {
        let faults = ScoringRules::from_json(&json, 1).unwrap_err();
        let found: Vec<(&str, &str)> =
            faults.iter().map(|fault| (fault.pointer.as_str(), fault.invalid.code)).collect();
        assert_eq!(found, [(pointer, code)], "{json}");
    }
    let twice =
        json!({"rules": [{"id": "a", "event": "x", "points": 1}, {"id": "a", "event": "y", "points": 1}]});
    assert_eq!(ScoringRules::from_json(&twice, 1).unwrap_err()[0].invalid.code, "duplicate_rule_id");
}

#[test]
fn properties_are_tested_by_the_operators_of_the_rule_language() {
    let properties =
        json!({"url": "https://example.com/Pricing", "seconds": 30, "first": true, "none": null});
    for (test, fits) in [
        (json!({"property": "url", "op": "contains", "value": "/pricing"}), true),
        (json!({"property": "url", "op": "starts_with", "value": "ftp"}), false),
        (json!({"property": "url", "op": "is", "value": "HTTPS://EXAMPLE.COM/pricing"}), true),
        (json!({"property": "url", "op": "in", "value": ["a", "b"]}), false),
        (json!({"property": "seconds", "op": "gte", "value": 30}), true),
        (json!({"property": "seconds", "op": "between", "value": [31, 40]}), false),
        (json!({"property": "seconds", "op": "is", "value": "30"}), false),
        (json!({"property": "first", "op": "is", "value": true}), true),
        (json!({"property": "first", "op": "exists"}), true),
        (json!({"property": "none", "op": "missing"}), true),
        (json!({"property": "other", "op": "is", "value": "x"}), false),
        (json!({"property": "other", "op": "ne", "value": 5}), false),
        (json!({"property": "other", "op": "is_not", "value": "x"}), true),
        (json!({"property": "other", "op": "not_in", "value": ["x"]}), true),
        (json!({"property": "other", "op": "not_contains", "value": "x"}), true),
    ] {
        let rules = rules(
            json!({"rules": [{"id": "a", "event": "page.seen", "points": 7, "where": [test.clone()]}]}),
        );
        let fact = with(fact(0, "a", "page.seen"), properties.clone());
        assert_eq!(points(&rules, &[fact]), [if fits { 7 } else { 0 }], "{test}");
    }
}

#[test]
fn a_rule_counts_once_where_it_says_so() {
    let rules = rules(json!({"rules": [{"id": "a", "event": "email.opened", "points": 5, "once": true}]}));
    assert_eq!(points(&rules, &opens(3, 1)), [5, 0, 0]);
}

#[test]
fn caps_bound_a_rule_over_all_and_within_days() {
    let capped = rules(json!({"rules": [{"id": "a", "event": "email.opened", "points": 3, "cap": 7}]}));
    assert_eq!(points(&capped, &opens(4, 1)), [3, 3, 1, 0]);
    let daily = json!({"rules": [{"id": "a", "event": "email.opened", "points": 3, "window": {"points": 4, "days": 1}}]});
    // Three a day, the first at 08:00.
    assert_eq!(points(&rules(daily), &opens(5, 8 * 60)), [3, 1, 3, 1, 0]);
    let negative = rules(json!({"rules": [{"id": "a", "event": "email.opened", "points": -3, "cap": 4}]}));
    assert_eq!(points(&negative, &opens(3, 1)), [-3, -1, 0]);
}

#[test]
fn a_score_that_is_set_starts_caps_anew() {
    let rules = rules(json!({"rules": [
        {"id": "a", "event": "email.opened", "points": 5, "once": true},
        {"id": "b", "event": "email.unsubscribed", "set_to": 2}
    ]}));
    let stream =
        [fact(0, "a", "email.opened"), fact(1, "b", "email.unsubscribed"), fact(2, "c", "email.opened")];
    assert_eq!(points(&rules, &stream), [5, -3, 5]);
}

#[test]
fn no_rule_adds_above_the_highest_score() {
    let rules = rules(json!({"max_score": 5, "rules": [
        {"id": "a", "event": "email.opened", "points": 3},
        {"id": "b", "event": "email.bounced", "points": -4}
    ]}));
    let stream = [
        fact(0, "a", "email.opened"),
        fact(1, "b", "email.opened"),
        fact(2, "c", "email.bounced"),
        fact(3, "d", "email.opened"),
    ];
    assert_eq!(points(&rules, &stream), [3, 2, -4, 3]);
}

#[test]
fn every_rule_that_fits_has_an_entry() {
    let rules = rules(json!({"rules": [
        {"id": "a", "event": "email.opened", "points": 1},
        {"id": "b", "event": "email.opened", "points": 2, "where": [{"property": "vip", "op": "is", "value": true}]}
    ]}));
    let vip = with(fact(0, "a", "email.opened"), json!({"vip": true}));
    let folded = fold([&vip], &rules, None);
    let told: Vec<_> = folded.entries.iter().map(|e| (e.rule.as_ref().unwrap().as_str(), e.after)).collect();
    assert_eq!(told, [("a", 1), ("b", 3)]);
}

#[test]
fn a_condition_is_looked_at_when_the_fact_is_recorded_and_keeps_its_answer() {
    let rules = rules(
        json!({"rules": [{"id": "a", "event": "email.opened", "points": 4, "condition": "t:ab created_at:<1d"}]}),
    );
    let text = FieldId { kind: AttributeType::Text, number: 1 };
    let fields = Fields::from_iter([Field::new(text, FieldSlug::from_name("t").unwrap(), "t")]);
    let kind = EventType::parse("email.opened").unwrap();
    let contact = contact(start());
    let met = |minutes| rules.conditions_met(&kind, after(minutes), &contact, &fields, &Zone::utc());
    assert_eq!((met(60).len(), met(60 * 25).len()), (1, 0));
    let counted = Fact { met: met(60), ..fact(60, "a", "email.opened") };
    assert_eq!(points(&rules, &[counted, fact(60, "b", "email.opened")]), [4, 0]);
    let nobody = rules.conditions_met(&kind, after(60), &contact, &Fields::default(), &Zone::utc());
    assert_eq!(nobody, BTreeSet::<ConditionKey>::new());
}
