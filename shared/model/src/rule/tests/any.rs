//! Rules of every shape.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::rule::{
    Condition, FieldRef, ListRef, Literal, MAX_DEPTH, Operator, Period, Rule, StandardField, TimeSpan,
    TimeUnit, text,
};
use crate::{FieldSlug, Number};

/// Texts with everything that means something in a query string.
fn any_text() -> impl Strategy<Value = String> {
    let odd = [
        "",
        " ",
        "or",
        "AND",
        "Not",
        "today",
        "this_week",
        "30d",
        "999y",
        "50",
        "1.50",
        "-5",
        "true",
        "TRUE",
        "..",
        "a..b",
        ".a",
        "a.",
        "*",
        "a*",
        "has",
        "list:x",
        "score>5",
        "\"",
        "\\",
        "\n",
        "\u{0}",
        "\u{1f}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "a b",
        "(a)",
        "a,b",
        "-a",
        ":a",
        "!a",
        "=a",
        "1e5",
        "2026-11-23",
        "ж",
        "😀",
        "\u{300}",
    ];
    prop_oneof![
        select(odd.to_vec()).prop_map(str::to_owned),
        "[a-zA-Z]{1,8}",
        "[-a-z0-9 .,:;!?*<>=()\"\\\\/&@\n\t]{0,12}",
        "\\PC{0,8}",
        any::<String>().prop_map(|text| text.chars().take(12).collect()),
    ]
}

fn any_literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        4 => any_text().prop_map(Literal::Text),
        2 => prop_oneof![any::<f64>(), any::<i32>().prop_map(f64::from), (-1000..1000).prop_map(|n| f64::from(n) / 8.0)]
            .prop_filter_map("a number that can be kept", |n| Number::new(n).map(Literal::Number)),
        1 => any::<bool>().prop_map(Literal::Boolean),
    ]
}

fn any_field() -> impl Strategy<Value = FieldRef> {
    let taken =
        ["tag", "and", "or", "has", "missing", "list", "segment", "attributes", "status", "not", "industry"];
    prop_oneof![
        select(&StandardField::ALL[..]).prop_map(FieldRef::Standard),
        prop_oneof![any_text(), select(taken.to_vec()).prop_map(str::to_owned)]
            .prop_filter_map("a name", |name| FieldSlug::from_name(&name).map(FieldRef::Attribute)),
    ]
}

fn any_span() -> impl Strategy<Value = TimeSpan> {
    let units =
        [TimeUnit::Minute, TimeUnit::Hour, TimeUnit::Day, TimeUnit::Week, TimeUnit::Month, TimeUnit::Year];
    (1_u32..100, select(units.to_vec())).prop_filter_map("a span", |(count, unit)| TimeSpan::new(count, unit))
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let periods: Vec<Period> = Period::NAMES.into_iter().map(|(period, _)| period).collect();
    let operators: Vec<Operator> = Operator::NAMES.into_iter().map(|(operator, _)| operator).collect();
    (select(operators), vec(any_literal(), 2..5), 1..5_usize, any_span(), select(periods)).prop_map(
        |(operator, mut literals, count, span, period)| match operator {
            Operator::Exists => Condition::Exists,
            Operator::Missing => Condition::Missing,
            Operator::One(comparison) => Condition::One(comparison, literals.remove(0)),
            Operator::Many(choice) => {
                literals.truncate(count);
                Condition::Many(choice, literals)
            }
            Operator::Between => Condition::Between(literals.remove(0), literals.remove(0)),
            Operator::Relative(relative) => Condition::Relative(relative, span),
            Operator::During => Condition::During(period),
        },
    )
}

fn any_leaf() -> impl Strategy<Value = Rule> {
    let list = || any_text().prop_filter_map("a name", ListRef::new);
    prop_oneof![
        6 => (any_field(), any_condition()).prop_map(|(field, condition)| Rule::Field { field, condition }),
        1 => any_text().prop_filter("something to look for", |text| !text::pieces(text).is_empty()).prop_map(Rule::Words),
        1 => list().prop_map(Rule::List),
        1 => list().prop_map(Rule::Segment),
    ]
}

/// Gives any rule that is within the limits.
pub(super) fn any_rule() -> impl Strategy<Value = Rule> {
    let depth = u32::try_from(MAX_DEPTH).expect("a small number") - 1;
    any_leaf()
        .prop_recursive(depth, 40, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 2..4).prop_map(Rule::All),
                vec(inner.clone(), 2..4).prop_map(Rule::Any),
                inner.prop_map(|rule| Rule::Not(Box::new(rule))),
            ]
        })
        .prop_filter("deep", |rule| rule.depth() <= MAX_DEPTH)
}
