//! Questions about numbers, days and instants.

use std::ops::Bound;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use model::rule::{Leaf, Moment, Range, Source, Test, Value};
use model::{AttributeType, rule};

use super::facts::minute;
use super::text::any_of;
use crate::{NumberTest, Predicate, Question};

/// Asks for whoever has a value that passes.
pub(super) fn column(field: u16, leaf: &Leaf, moment: &Moment) -> Question {
    match &leaf.test {
        Test::Number(test) => within(field, number_ranges(test)),
        Test::Days(ranges, _) => {
            within(field, ranges.iter().map(|range| mapped(range, day_number)).collect())
        }
        Test::Instants(ranges, _) => any_of(ranges.iter().flat_map(|range| {
            let (certain, possible) = minutes(range);
            [within(field, vec![certain]), almost(within(field, vec![possible]))]
        })),
        Test::Anniversary(_) => anniversary(field, leaf, moment),
        _ => Question::HasNumber(field),
    }
}

fn within(field: u16, ranges: Vec<Range<f64>>) -> Question {
    Question::Number(field, NumberTest::Within(ranges))
}

pub(super) fn number_ranges(test: &rule::NumberTest) -> Vec<Range<f64>> {
    match test {
        rule::NumberTest::OneOf(numbers) => {
            let same = |number: f64| (Bound::Included(number), Bound::Included(number));
            numbers.iter().map(|number| same(number.as_f64())).collect()
        }
        rule::NumberTest::Other(number) => {
            let number = Bound::Excluded(number.as_f64());
            vec![(Bound::Unbounded, number), (number, Bound::Unbounded)]
        }
        rule::NumberTest::Within(range) => vec![mapped(range, |number| number.as_f64())],
    }
}

fn mapped<T: Copy>(range: &Range<T>, number: impl Fn(T) -> f64 + Copy) -> Range<f64> {
    (range.0.map(number), range.1.map(number))
}

fn day_number(day: NaiveDate) -> f64 {
    f64::from(day.num_days_from_ce())
}

/// Gives the minutes that are in a range with all their instants, and those with some.
fn minutes(range: &Range<DateTime<Utc>>) -> (Range<f64>, Range<f64>) {
    let is_start = |at: DateTime<Utc>| minute_start(minute(at) as f64) == Some(at);
    let first = |at: DateTime<Utc>, is_in: bool| minute(at) + i64::from(!(is_in && is_start(at)));
    let (certain_from, possible_from) = match range.0 {
        Bound::Included(at) => (Bound::Included(first(at, true) as f64), Bound::Included(minute(at) as f64)),
        Bound::Excluded(at) => (Bound::Included(first(at, false) as f64), Bound::Included(minute(at) as f64)),
        Bound::Unbounded => (Bound::Unbounded, Bound::Unbounded),
    };
    let (certain_to, possible_to) = match range.1 {
        Bound::Included(at) => (Bound::Excluded(minute(at) as f64), Bound::Included(minute(at) as f64)),
        Bound::Excluded(at) if is_start(at) => {
            (Bound::Excluded(minute(at) as f64), Bound::Excluded(minute(at) as f64))
        }
        Bound::Excluded(at) => (Bound::Excluded(minute(at) as f64), Bound::Included(minute(at) as f64)),
        Bound::Unbounded => (Bound::Unbounded, Bound::Unbounded),
    };
    ((certain_from, certain_to), (possible_from, possible_to))
}

fn minute_start(minute: f64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(minute as i64 * 60, 0)
}

fn anniversary(field: u16, leaf: &Leaf, moment: &Moment) -> Question {
    let leaf = Leaf { is_negated: false, ..leaf.clone() };
    let is_day = matches!(leaf.source, Source::Attribute(id) if id.kind == AttributeType::Date);
    let moment = moment.clone();
    let of_day = {
        let (leaf, moment) = (leaf.clone(), moment.clone());
        Predicate::new(move |day: &f64| {
            NaiveDate::from_num_days_from_ce_opt(*day as i32)
                .is_some_and(|day| leaf.holds(Some(&Value::Day(day)), &moment))
        })
    };
    if is_day {
        return Question::Number(field, NumberTest::Passes(of_day));
    }
    // A zone may begin its day within a minute.
    let at_ends = move |minute: f64| {
        [minute_start(minute), minute_start(minute + 1.0).map(|end| end - TimeDelta::nanoseconds(1))]
            .map(|at| at.is_some_and(|at| leaf.holds(Some(&Value::Instant(at)), &moment)))
    };
    let certain = Predicate::new({
        let at_ends = at_ends.clone();
        move |minute: &f64| at_ends(*minute) == [true, true]
    });
    let possible = Predicate::new(move |minute: &f64| at_ends(*minute) != [false, false]);
    let of = |minutes| Question::Number(field, NumberTest::Passes(minutes));
    any_of([of(certain), almost(of(possible))])
}

/// Asks for whoever is in it as far as the minute tells.
fn almost(question: Question) -> Question {
    Question::AlmostExactly(Box::new(question))
}
