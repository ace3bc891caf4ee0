//! Which events a rule is about: their type, and tests of their properties by the operators of
//! the rule language. A property that is missing passes no test but `missing`, `is_not`, `not_in`
//! and `not_contains`; texts compare in their normal form, and only with texts.

use serde_json::Value;

use super::{EventType, Fact};
use crate::Number;
use crate::rule::text::normal_form;
use crate::rule::{Choice, Comparison, Condition, Literal};

/// Says which events a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Their type.
    pub kind: EventType,
    /// What has to be true of their properties.
    pub tests: Vec<PropertyTest>,
}

/// Is a test of one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyTest {
    /// Its name.
    pub property: String,
    /// What has to be true of it.
    pub condition: Condition,
}

impl Pattern {
    /// Tells whether a rule is about a fact.
    pub fn fits(&self, fact: &Fact) -> bool {
        self.kind == fact.kind
            && self.tests.iter().all(|test| passes(&test.condition, fact.properties.get(&test.property)))
    }
}

/// Tells operators that make sense of values whose type nobody declared.
pub(super) fn is_supported(condition: &Condition) -> bool {
    match condition {
        Condition::Exists | Condition::Missing | Condition::Between(..) => true,
        Condition::One(comparison, _) => {
            !matches!(comparison, Comparison::On | Comparison::Before | Comparison::After)
        }
        Condition::Many(choice, _) => matches!(choice, Choice::In | Choice::NotIn),
        Condition::Relative(..) | Condition::During(_) => false,
    }
}

fn passes(condition: &Condition, value: Option<&Value>) -> bool {
    let has = |test: &dyn Fn(&Value) -> bool| value.is_some_and(test);
    let text = |test: &dyn Fn(&str, &str) -> bool, part: &Literal| {
        let part = normal_form(&part.to_string());
        has(&|value| value.as_str().is_some_and(|text| test(&normal_form(text), &part)))
    };
    let number = |test: &dyn Fn(f64, f64) -> bool, bound: &Literal| match bound {
        Literal::Number(bound) => has(&|value| of_json(value).is_some_and(|n| test(n, bound.as_f64()))),
        Literal::Text(_) | Literal::Boolean(_) => false,
    };
    match condition {
        Condition::Exists => value.is_some(),
        Condition::Missing => value.is_none(),
        Condition::Between(from, to) => {
            number(&|n, bound| n >= bound, from) && number(&|n, bound| n <= bound, to)
        }
        Condition::Many(Choice::NotIn, literals) => {
            !literals.iter().any(|one| has(&|value| equals(value, one)))
        }
        Condition::Many(_, literals) => literals.iter().any(|one| has(&|value| equals(value, one))),
        Condition::One(comparison, literal) => match comparison {
            Comparison::Is | Comparison::Eq => has(&|value| equals(value, literal)),
            Comparison::IsNot => !has(&|value| equals(value, literal)),
            Comparison::Ne => number(&|n, other| n != other, literal),
            Comparison::Gt => number(&|n, bound| n > bound, literal),
            Comparison::Gte => number(&|n, bound| n >= bound, literal),
            Comparison::Lt => number(&|n, bound| n < bound, literal),
            Comparison::Lte => number(&|n, bound| n <= bound, literal),
            Comparison::Contains => text(&|text, part| text.contains(part), literal),
            Comparison::NotContains => !text(&|text, part| text.contains(part), literal),
            Comparison::StartsWith => text(&|text, part| text.starts_with(part), literal),
            Comparison::EndsWith => text(&|text, part| text.ends_with(part), literal),
            Comparison::On | Comparison::Before | Comparison::After => false,
        },
        Condition::Relative(..) | Condition::During(_) => false,
    }
}

fn equals(value: &Value, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::String(text), Literal::Text(other)) => normal_form(text) == normal_form(other),
        (Value::Bool(boolean), Literal::Boolean(other)) => boolean == other,
        (value, Literal::Number(other)) => of_json(value) == Some(other.as_f64()),
        _ => false,
    }
}

fn of_json(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Number::from_json(number).map(Number::as_f64),
        _ => None,
    }
}
