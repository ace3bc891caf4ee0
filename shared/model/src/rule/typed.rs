//! From a condition on a field of a known type to a test.

use std::ops::Bound::{self, Excluded, Included, Unbounded};

use chrono::DateTime;

use super::bound::{NumberTest, SetTest, Source, Test, TextTest};
use super::calendar::{Clock, Moment, Range};
use super::error::{Fault, shown};
use super::text::normal_form;
use super::{
    Choice, Comparison, Condition, FieldRef, Kind, Literal, Operator, StandardField, TimeSpan, TimeUnit,
};
use crate::{AttributeType, AttributeValue, Email, Number, Phone};

/// Types a condition; where the operator denies, it is the test that has to fail.
pub(super) fn test(
    source: &Source,
    kind: Kind,
    field: &FieldRef,
    condition: &Condition,
    moment: &Moment,
) -> Result<Test, Fault> {
    let unfit = || Fault::new("wrong_operator", unfit(kind, field, condition.operator()));
    match kind {
        Kind::Text => text(source, condition).unwrap_or_else(|| Err(unfit())),
        Kind::Number => numbers(field, condition).unwrap_or_else(|| Err(unfit())),
        Kind::Boolean => booleans(field, condition).unwrap_or_else(|| Err(unfit())),
        Kind::Day => days(field, condition, moment).unwrap_or_else(|| Err(unfit())),
        Kind::Instant => instants(field, condition, moment).unwrap_or_else(|| Err(unfit())),
        Kind::Tags => tags(condition).ok_or_else(unfit),
        Kind::Lists => Err(unfit()),
    }
}

/// Says which operators a type has.
fn unfit(kind: Kind, field: &FieldRef, operator: Operator) -> String {
    let fitting = match kind {
        Kind::Text => {
            "`is`, `is_not`, `in`, `not_in`, `contains`, `not_contains`, `starts_with`, `ends_with`"
        }
        Kind::Number => "`is`, `is_not`, `in`, `not_in`, `eq`, `ne`, `gt`, `gte`, `lt`, `lte`, `between`",
        Kind::Boolean => "`is`, `is_not`, `in`, `not_in`",
        Kind::Day | Kind::Instant => {
            "`is`, `is_not`, `in`, `not_in`, `on`, `before`, `after`, `gt`, `gte`, `lt`, `lte`, `between`, \
             `in_last`, `in_next`, `older_than`, `during`, `anniversary_in_next`"
        }
        Kind::Tags | Kind::Lists => "`has_any`, `has_all`, `has_none`",
    };
    let hint = match (kind, operator) {
        (Kind::Text | Kind::Number | Kind::Boolean, Operator::During | Operator::Relative(_)) => {
            "; put the value in quotes if it is no time"
        }
        _ => "",
    };
    format!("`{field}` holds {kind} and has no `{operator}`, but {fitting}, `exists` and `missing`{hint}")
}

fn many(condition: &Condition) -> Option<&[Literal]> {
    match condition {
        Condition::One(Comparison::Is | Comparison::IsNot, value) => Some(std::slice::from_ref(value)),
        Condition::Many(Choice::In | Choice::NotIn, values) => Some(values),
        _ => None,
    }
}

fn text(source: &Source, condition: &Condition) -> Option<Result<Test, Fault>> {
    if let Some(values) = many(condition) {
        let forms = values.iter().map(|value| whole_form(source, &value.to_string())).collect();
        return Some(Ok(Test::Text(TextTest::OneOf(forms))));
    }
    let Condition::One(comparison, value) = condition else { return None };
    let test = match comparison {
        Comparison::Contains | Comparison::NotContains => TextTest::Contains,
        Comparison::StartsWith => TextTest::StartsWith,
        Comparison::EndsWith => TextTest::EndsWith,
        _ => return None,
    };
    let form = normal_form(&value.to_string());
    // Every text contains nothing.
    let nothing = || Fault::new("invalid_value", "there is nothing to look for in this text");
    Some(if form.is_empty() { Err(nothing()) } else { Ok(Test::Text(test(form))) })
}

/// Gives the normal form of a whole value; what is kept in a form of its own is put into that first.
fn whole_form(source: &Source, text: &str) -> String {
    let kept = match source {
        Source::Standard(StandardField::Email) => Email::parse(text).ok().map(|email| email.to_string()),
        Source::Standard(StandardField::Phone) => Phone::parse(text).ok().and_then(|phone| phone.e164),
        _ => None,
    };
    normal_form(kept.as_deref().unwrap_or(text))
}

fn tags(condition: &Condition) -> Option<Test> {
    let Condition::Many(choice, tags) = condition else { return None };
    let tags = tags.iter().map(|tag| normal_form(&tag.to_string())).collect();
    match choice {
        Choice::HasAny | Choice::HasNone => Some(Test::Tags(SetTest::Any(tags))),
        Choice::HasAll => Some(Test::Tags(SetTest::All(tags))),
        Choice::In | Choice::NotIn => None,
    }
}

fn booleans(field: &FieldRef, condition: &Condition) -> Option<Result<Test, Fault>> {
    let read = |value: &Literal| match converted(value, AttributeType::Boolean) {
        Some(AttributeValue::Boolean(boolean)) => Ok(boolean),
        _ => Err(wrong_type(field, value, "`true` or `false`")),
    };
    Some(many(condition)?.iter().map(read).collect::<Result<_, _>>().map(Test::Boolean))
}

fn numbers(field: &FieldRef, condition: &Condition) -> Option<Result<Test, Fault>> {
    let read = |value: &Literal| match converted(value, AttributeType::Number) {
        Some(AttributeValue::Number(number)) => Ok(number),
        _ => Err(wrong_type(field, value, "a number such as `50`")),
    };
    if let Some(values) = many(condition) {
        let numbers = values.iter().map(read).collect::<Result<_, _>>();
        return Some(numbers.map(|numbers| Test::Number(NumberTest::OneOf(numbers))));
    }
    let within = |range: Range<Number>| Test::Number(NumberTest::Within(range));
    Some(match condition {
        Condition::One(Comparison::Eq, value) => {
            read(value).map(|number| Test::Number(NumberTest::OneOf(vec![number])))
        }
        Condition::One(Comparison::Ne, value) => {
            read(value).map(|number| Test::Number(NumberTest::Other(number)))
        }
        Condition::One(Comparison::Before | Comparison::After, _) => return None,
        Condition::One(comparison, value) => {
            let side = compared(*comparison)?;
            read(value).map(|number| within(side.of(number, Included(number))))
        }
        Condition::Between(from, to) => read(from).and_then(|from| {
            let to = read(to)?;
            if from > to { Err(empty_range()) } else { Ok(within((Included(from), Included(to)))) }
        }),
        _ => return None,
    })
}

/// Reads a literal into a type; a number or boolean keeps its own.
fn converted(value: &Literal, kind: AttributeType) -> Option<AttributeValue> {
    match value {
        Literal::Number(number) => Some(AttributeValue::Number(*number)),
        Literal::Boolean(boolean) => Some(AttributeValue::Boolean(*boolean)),
        Literal::Text(text) => AttributeValue::parse_as(text, kind).ok(),
    }
}

fn wrong_type(field: &FieldRef, value: &Literal, expected: &str) -> Fault {
    let found = shown(&value.to_string());
    Fault::new("wrong_type", format!("expected {expected} for `{field}`, found `{found}`"))
}

fn empty_range() -> Fault {
    Fault::new("empty_range", "the range ends before it starts; swap its ends")
}

/// Says which side of a value is meant.
#[derive(Clone, Copy)]
enum Side {
    Above,
    From,
    Below,
    UpTo,
}

fn compared(comparison: Comparison) -> Option<Side> {
    match comparison {
        Comparison::Gt | Comparison::After => Some(Side::Above),
        Comparison::Gte => Some(Side::From),
        Comparison::Lt | Comparison::Before => Some(Side::Below),
        Comparison::Lte => Some(Side::UpTo),
        _ => None,
    }
}

impl Side {
    /// Gives the range on that side of what reaches from `first` to `end`.
    fn of<T>(self, first: T, end: Bound<T>) -> Range<T> {
        match (self, end) {
            (Self::Above, Included(last)) => (Excluded(last), Unbounded),
            (Self::Above, Excluded(next)) => (Included(next), Unbounded),
            (Self::Above, Unbounded) => (Excluded(first), Unbounded),
            (Self::From, _) => (Included(first), Unbounded),
            (Self::Below, _) => (Unbounded, Excluded(first)),
            (Self::UpTo, end) => (Unbounded, end),
        }
    }
}

fn days(field: &FieldRef, condition: &Condition, moment: &Moment) -> Option<Result<Test, Fault>> {
    let read = |value: &Literal| match converted(value, AttributeType::Date) {
        Some(AttributeValue::Date(day)) => Ok(day),
        _ => Err(wrong_type(field, value, "a date such as `2026-11-23`")),
    };
    let has_days = |span: TimeSpan| !matches!(span.unit(), TimeUnit::Minute | TimeUnit::Hour);
    let reaching = |value: &Literal| read(value).map(|day| (day, Included(day)));
    match condition {
        Condition::Relative(_, span) if !has_days(*span) => {
            let detail = format!("`{field}` holds dates, which have no hours; use `d`, `w`, `mo` or `y`");
            Some(Err(Fault::new("wrong_type", detail)))
        }
        _ => times(
            condition,
            reaching,
            |clock| Test::Days(vec![clock.days(moment)], Some(clock)),
            |ranges| Test::Days(ranges, None),
        ),
    }
}

fn instants(field: &FieldRef, condition: &Condition, moment: &Moment) -> Option<Result<Test, Fault>> {
    let reaching = |value: &Literal| {
        if let Literal::Text(text) = value
            && let Ok(instant) = DateTime::parse_from_rfc3339(text)
        {
            return Ok((instant.to_utc(), Included(instant.to_utc())));
        }
        match converted(value, AttributeType::Date) {
            Some(AttributeValue::Date(day)) => {
                let next = day.succ_opt().map_or(Unbounded, |next| Excluded(moment.zone.start_of(next)));
                Ok((moment.zone.start_of(day), next))
            }
            _ => Err(wrong_type(field, value, "a date such as `2026-11-23` or an RFC 3339 time")),
        }
    };
    if let Condition::Relative(super::Relative::AnniversaryInNext, span) = condition
        && matches!(span.unit(), TimeUnit::Minute | TimeUnit::Hour)
    {
        let detail = "an anniversary is a day, which has no hours; use `d`, `w`, `mo` or `y`";
        return Some(Err(Fault::new("wrong_type", detail)));
    }
    times(
        condition,
        reaching,
        |clock| Test::Instants(vec![clock.instants(moment)], Some(clock)),
        |ranges| Test::Instants(ranges, None),
    )
}

/// Types what days and instants have in common. `reaching` gives where a literal begins and ends:
/// on a field of instants a day reaches over all of it.
fn times<T: Copy + PartialOrd>(
    condition: &Condition,
    reaching: impl Fn(&Literal) -> Result<(T, Bound<T>), Fault>,
    by_clock: impl Fn(Clock) -> Test,
    by_ranges: impl Fn(Vec<Range<T>>) -> Test,
) -> Option<Result<Test, Fault>> {
    let over = |value: &Literal| reaching(value).map(|(first, end)| (Included(first), end));
    if let Some(values) = many(condition) {
        return Some(values.iter().map(over).collect::<Result<_, _>>().map(by_ranges));
    }
    Some(match condition {
        Condition::One(Comparison::On, value) => over(value).map(|range| by_ranges(vec![range])),
        Condition::One(comparison, value) => {
            let side = compared(*comparison)?;
            reaching(value).map(|(first, end)| by_ranges(vec![side.of(first, end)]))
        }
        Condition::Between(from, to) => reaching(from).and_then(|(from, _)| {
            let (to, end) = reaching(to)?;
            if from > to { Err(empty_range()) } else { Ok(by_ranges(vec![(Included(from), end)])) }
        }),
        Condition::During(period) => Ok(by_clock(Clock::During(*period))),
        Condition::Relative(relative, span) => {
            Ok(Clock::of(*relative, *span).map_or(Test::Anniversary(*span), by_clock))
        }
        _ => return None,
    })
}
