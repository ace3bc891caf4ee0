//! Rules whose names are resolved and whose values are typed: what an evaluator or an index needs.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::text::Piece;
use super::{Clock, Moment, Range, Rule, StandardField, TimeSpan};
use crate::{FieldId, ListNumber, Number};

/// Is a rule bound to a tenant's fields and lists and to a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The tree, of the same shape as the rule's.
    pub node: Node,
    /// The now that its ranges are made for.
    pub moment: Moment,
}

/// Is a node of a bound rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Every one holds.
    All(Vec<Node>),
    /// At least one holds.
    Any(Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
    /// A condition.
    Leaf(Leaf),
    /// What the rule of a segment says.
    Segment(Box<(Rule, Node)>),
}

/// Is a condition: a test that no missing value passes, or the opposite of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// What is read.
    pub source: Source,
    /// What has to be true of it.
    pub test: Test,
    /// Whether the test must fail instead, as it does of a missing value: `missing`, `is_not`,
    /// `not_in`, `not_contains`, `has_none`.
    pub is_negated: bool,
}

/// Says what a condition reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A field that every tenant has.
    Standard(StandardField),
    /// A custom field.
    Attribute(FieldId),
    /// A custom field some of whose values still lie under ids that it had before, and are read as
    /// what they are to become.
    Converting(FieldId, Arc<[FieldId]>),
    /// A custom field that nobody has: always missing.
    Unknown,
    /// What bare words look at.
    Words,
    /// The membership in a static list: true or missing.
    List(ListNumber),
}

/// Is what has to be true of a value. Every test fails on a missing one.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// There is one.
    Exists,
    /// Its normal form compares.
    Text(TextTest),
    /// The number compares.
    Number(NumberTest),
    /// It is one of these.
    Boolean(BTreeSet<bool>),
    /// The day is in one of these ranges.
    Days(Vec<Range<NaiveDate>>, Option<Clock>),
    /// The instant is in one of these ranges.
    Instants(Vec<Range<DateTime<Utc>>>, Option<Clock>),
    /// The day has an anniversary within the span.
    Anniversary(TimeSpan),
    /// The normal forms of the tags compare.
    Tags(SetTest<String>),
    /// The static lists compare.
    Lists(SetTest<ListNumber>),
    /// All of these are found.
    Words(Vec<Piece>),
}

/// Compares normal forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextTest {
    /// Is one of these.
    OneOf(BTreeSet<String>),
    /// Holds this.
    Contains(String),
    /// Starts with this.
    StartsWith(String),
    /// Ends with this.
    EndsWith(String),
}

/// Compares numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum NumberTest {
    /// Is one of these.
    OneOf(Vec<Number>),
    /// Is another one.
    Other(Number),
    /// Is in this range.
    Within(Range<Number>),
}

/// Compares sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetTest<T> {
    /// Has at least one of these.
    Any(BTreeSet<T>),
    /// Has all of these.
    All(BTreeSet<T>),
}

/// Is a value that a condition read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'c> {
    /// Text as it is kept.
    Text(Cow<'c, str>),
    /// A number.
    Number(Number),
    /// True or false.
    Boolean(bool),
    /// A day.
    Day(NaiveDate),
    /// An instant.
    Instant(DateTime<Utc>),
    /// Tags as they are kept; at least one.
    Tags(Vec<&'c str>),
    /// Static lists; at least one.
    Lists(&'c BTreeSet<ListNumber>),
    /// The texts that bare words look at.
    Words(&'c crate::Profile),
}
