//! What is asked of values: by ranges where it can be said so, because a column of a million
//! numbers is compared with two of them ten times as fast as it calls a function.

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

/// Is from one number to another, with or without the ends.
pub type NumberRange = (Bound<f64>, Bound<f64>);

/// Is what has to be true of a number or a date.
#[derive(Debug, Clone)]
pub enum NumberTest {
    /// It is in one of these.
    Within(Vec<NumberRange>),
    /// It passes.
    Passes(Predicate<f64>),
}

impl NumberTest {
    /// Tells whether a number passes.
    pub fn holds(&self, number: f64) -> bool {
        match self {
            Self::Within(ranges) => ranges.iter().any(|range| range.contains(&number)),
            Self::Passes(test) => test.holds(&number),
        }
    }
}

/// Is a range with both of its ends.
pub(super) struct Closed {
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Closed {
    pub(super) fn of(range: &NumberRange) -> Self {
        Self {
            least: match range.0 {
                Bound::Included(number) => number,
                Bound::Excluded(number) => number.next_up(),
                Bound::Unbounded => f64::NEG_INFINITY,
            },
            most: match range.1 {
                Bound::Included(number) => number,
                Bound::Excluded(number) => number.next_down(),
                Bound::Unbounded => f64::INFINITY,
            },
        }
    }
}

/// Is what has to be true of a value.
pub struct Predicate<T: ?Sized>(Arc<dyn Fn(&T) -> bool + Send + Sync>);

impl<T: ?Sized> Predicate<T> {
    /// Takes a test.
    pub fn new(test: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(test))
    }

    /// Tells whether a value passes.
    pub fn holds(&self, value: &T) -> bool {
        (self.0)(value)
    }
}

impl<T: ?Sized> Clone for Predicate<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> fmt::Debug for Predicate<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Predicate")
    }
}
