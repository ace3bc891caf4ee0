//! Questions about numbers, days and instants.

use std::ops::Bound;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use model::rule::{Leaf, Moment, Range, Source, Test, Value};
use model::{AttributeType, rule};

use super::facts::{step, step_start};
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
            let (certain, possible) = steps(field, range);
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

/// Gives the steps that are in a range with all their instants, and those with some.
fn steps(field: u16, range: &Range<DateTime<Utc>>) -> (Range<f64>, Range<f64>) {
    let step = |at: DateTime<Utc>| step(field, at);
    let is_start = |at: DateTime<Utc>| step_start(field, step(at) as f64) == Some(at);
    let first = |at: DateTime<Utc>, is_in: bool| step(at) + i64::from(!(is_in && is_start(at)));
    let (certain_from, possible_from) = match range.0 {
        Bound::Included(at) => (Bound::Included(first(at, true) as f64), Bound::Included(step(at) as f64)),
        Bound::Excluded(at) => (Bound::Included(first(at, false) as f64), Bound::Included(step(at) as f64)),
        Bound::Unbounded => (Bound::Unbounded, Bound::Unbounded),
    };
    let (certain_to, possible_to) = match range.1 {
        Bound::Included(at) => (Bound::Excluded(step(at) as f64), Bound::Included(step(at) as f64)),
        Bound::Excluded(at) if is_start(at) => {
            (Bound::Excluded(step(at) as f64), Bound::Excluded(step(at) as f64))
        }
        Bound::Excluded(at) => (Bound::Excluded(step(at) as f64), Bound::Included(step(at) as f64)),
        Bound::Unbounded => (Bound::Unbounded, Bound::Unbounded),
    };
    ((certain_from, certain_to), (possible_from, possible_to))
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
    // A zone may begin its day within a step.
    let at_ends = move |step: f64| {
        [step_start(field, step), step_start(field, step + 1.0).map(|end| end - TimeDelta::nanoseconds(1))]
            .map(|at| at.is_some_and(|at| leaf.holds(Some(&Value::Instant(at)), &moment)))
    };
    let certain = Predicate::new({
        let at_ends = at_ends.clone();
        move |step: &f64| at_ends(*step) == [true, true]
    });
    let possible = Predicate::new(move |step: &f64| at_ends(*step) != [false, false]);
    let of = |steps| Question::Number(field, NumberTest::Passes(steps));
    any_of([of(certain), almost(of(possible))])
}

/// Asks for whoever is in it as far as the step tells.
fn almost(question: Question) -> Question {
    Question::AlmostExactly(Box::new(question))
}
