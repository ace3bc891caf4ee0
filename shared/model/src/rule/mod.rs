//! The rule language: which contacts are meant, for search, segments, exports and scoring alike.
//!
//! A rule is a tree ([`Rule`]) with two spellings that convert into each other without loss: JSON
//! (`json.rs`) and a one-line query string (its grammar stands in `query/mod.rs`). Reading looks at
//! nothing but the text. [`bind`] then resolves names against the fields and lists of a tenant,
//! types the values and binds `now` once; a [`Bound`] rule is evaluated on one contact, which is
//! the exact meaning that an index has to meet, and explained.
//!
//! ```
//! use model::rule::Rule;
//! let rule = Rule::parse("industry:SaaS score>50 -tag:partner").unwrap().rule;
//! assert_eq!(rule.to_string(), "industry:SaaS AND score:>50 AND NOT tag:partner");
//! assert_eq!(Rule::from_json(&rule.to_json()).unwrap().rule, rule);
//! ```
//!
//! # Operators
//! | type | operators |
//! |---|---|
//! | text | `is`, `is_not`, `in`, `not_in`, `contains`, `not_contains`, `starts_with`, `ends_with` |
//! | number | `is`, `is_not`, `in`, `not_in`, `eq`, `ne`, `gt`, `gte`, `lt`, `lte`, `between` |
//! | boolean | `is`, `is_not`, `in`, `not_in` |
//! | date, instant | `is`, `is_not`, `in`, `not_in`, `on`, `before`, `after`, `gt`, `gte`, `lt`, `lte`, `between`, `in_last`, `in_next`, `older_than`, `during`, `anniversary_in_next` |
//! | tags, lists | `has_any`, `has_all`, `has_none` |
//! | every one | `exists`, `missing` |
//!
//! `is` means equal in the type of the field. `between` includes both ends. On a field of instants
//! a day stands for all of it in the tenant's zone: `is` and `on` say that the instant is within,
//! `before` and `lt` that it is earlier than its start, `after` and `gt` that it is not before its
//! end; an RFC 3339 time stands for itself. What compares with the clock is defined in [`Clock`]
//! and `calendar.rs`, what compares texts in [`text`]. An `email` or `phone` to compare with is first
//! brought into the form in which contacts keep them.
//!
//! # Missing values
//! A missing value is no value of any type: no text, no number, not false, no tag at all. The
//! truth of every operator on it:
//!
//! | true | false |
//! |---|---|
//! | `missing`, `is_not`, `not_in`, `not_contains`, `has_none` | all others, also `ne` |
//!
//! `NOT` turns the truth of what it denies around, whatever was missing: `NOT score:>50` is true of
//! a contact without a score. A custom field that nobody has is missing everywhere, and so is the
//! value of a standard field that nothing was kept in yet, such as `last_opened_at`.
//!
//! # Limits
//! A rule has at most 10 levels, 200 conditions, 1,000 values in one condition and 16 KB as a query
//! string; with the segments that it names, 2,000 conditions.

mod bind;
mod bound;
mod calendar;
mod error;
mod evaluate;
mod explain;
mod field;
#[cfg(any(test, feature = "fuzzing"))]
pub mod invariants;
mod json;
mod limits;
mod lists;
mod operator;
mod pace;
mod query;
mod span;
pub mod text;
mod tree;
mod typed;
mod zone;

pub use bind::{Warning, bind};
pub use bound::{Bound, Leaf, Node, NumberTest, SetTest, Source, Test, TextTest, Value};
pub use calendar::{Clock, Moment, Range, Times};
pub use error::RuleError;
pub use evaluate::Subject;
pub use explain::Explanation;
pub use field::{FieldRef, Kind, StandardField};
pub(crate) use json::{condition as condition_of_json, value_of as value_of_condition};
pub use limits::{MAX_BYTES, MAX_DEPTH, MAX_LEAVES, MAX_VALUES};
pub use lists::{Lists, NoLists, Segment};
pub use operator::Operator;
pub use span::{Period, PeriodUnit, TimeSpan, TimeUnit};
pub use tree::{Choice, Comparison, Condition, LeafPlace, ListRef, Literal, Parsed, Place, Relative, Rule};
pub use zone::Zone;

impl Rule {
    /// Reads a query string.
    ///
    /// # Errors
    /// What is wrong, with its column and what was expected there.
    pub fn parse(query: &str) -> Result<Parsed, RuleError> {
        query::parse(query)
    }
}

#[cfg(test)]
mod tests;
