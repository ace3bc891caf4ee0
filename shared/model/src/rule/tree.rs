use std::fmt;

use super::{FieldRef, Operator, Period, RuleError, TimeSpan};
use crate::{AttributeValue, Number};

/// Says which contacts are meant.
///
/// All of nothing is true and any of nothing is false; what people send is refused before it
/// comes to that, because a rule that asks for nothing would match everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Every one holds. Readers make two or more of it: of one it is that one.
    All(Vec<Rule>),
    /// At least one holds. Readers make two or more of it.
    Any(Vec<Rule>),
    /// It does not hold.
    Not(Box<Rule>),
    /// A condition on the value of one field.
    Field {
        /// Which field.
        field: FieldRef,
        /// What has to be true of its value.
        condition: Condition,
    },
    /// Words of the names, the company or the start of the email; see [`super::text`].
    Words(String),
    /// Is on the static list.
    List(ListRef),
    /// Is in the segment.
    Segment(ListRef),
}

/// Is a condition: an operator with what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There is a value.
    Exists,
    /// There is no value.
    Missing,
    /// The value compares with one given.
    One(Comparison, Literal),
    /// The value compares with several given.
    Many(Choice, Vec<Literal>),
    /// The value lies from the first to the second, both included.
    Between(Literal, Literal),
    /// The day or instant lies within a span of now.
    Relative(Relative, TimeSpan),
    /// The day or instant lies in a period of the calendar.
    During(Period),
}

impl Condition {
    /// Names the operator.
    pub fn operator(&self) -> Operator {
        match self {
            Self::Exists => Operator::Exists,
            Self::Missing => Operator::Missing,
            Self::One(comparison, _) => Operator::One(*comparison),
            Self::Many(choice, _) => Operator::Many(*choice),
            Self::Between(..) => Operator::Between,
            Self::Relative(relative, _) => Operator::Relative(*relative),
            Self::During(_) => Operator::During,
        }
    }
}

/// Compares with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `is`: equal, in the type of the field; a day for dates and instants
    Is,
    /// `is_not`
    IsNot,
    /// `eq`: equal numbers
    Eq,
    /// `ne`: another number
    Ne,
    /// `gt`
    Gt,
    /// `gte`
    Gte,
    /// `lt`
    Lt,
    /// `lte`
    Lte,
    /// `contains`
    Contains,
    /// `not_contains`
    NotContains,
    /// `starts_with`
    StartsWith,
    /// `ends_with`
    EndsWith,
    /// `on`: on that day
    On,
    /// `before`
    Before,
    /// `after`
    After,
}

/// Compares with several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// `in`
    In,
    /// `not_in`
    NotIn,
    /// `has_any`
    HasAny,
    /// `has_all`
    HasAll,
    /// `has_none`
    HasNone,
}

/// Compares with now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relative {
    /// `in_last`
    InLast,
    /// `in_next`
    InNext,
    /// `older_than`
    OlderThan,
    /// `anniversary_in_next`
    AnniversaryInNext,
}

/// Is a value of a rule; its field decides how it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// Text, and days and instants in their usual spelling.
    Text(String),
    /// A number.
    Number(Number),
    /// True or false.
    Boolean(bool),
}

impl Literal {
    /// Reads a word without quotes: a number or a boolean where it prints back the same.
    pub fn of_word(word: &str) -> Self {
        match AttributeValue::infer(word) {
            AttributeValue::Number(number) => Self::Number(number),
            AttributeValue::Boolean(boolean) => Self::Boolean(boolean),
            AttributeValue::Text(_) | AttributeValue::Date(_) => Self::Text(word.to_owned()),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Boolean(boolean) => boolean.fmt(f),
        }
    }
}

/// Names a list or a segment, by its name or its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListRef(String);

impl ListRef {
    /// Takes a name; blank is none.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        (!name.trim().is_empty()).then_some(Self(name))
    }

    /// Gives the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Rule {
    /// Joins rules that all have to hold; of one it is that one.
    pub(crate) fn all(rules: Vec<Self>) -> Self {
        single(rules).unwrap_or_else(Self::All)
    }

    /// Joins rules of which one has to hold; of one it is that one.
    pub(crate) fn any(rules: Vec<Self>) -> Self {
        single(rules).unwrap_or_else(Self::Any)
    }

    /// Gives the rules right below.
    pub fn children(&self) -> &[Self] {
        match self {
            Self::All(rules) | Self::Any(rules) => rules,
            Self::Not(rule) => std::slice::from_ref(rule),
            Self::Field { .. } | Self::Words(_) | Self::List(_) | Self::Segment(_) => &[],
        }
    }

    /// Counts the levels; a single condition has one.
    pub fn depth(&self) -> usize {
        1 + self.children().iter().map(Self::depth).max().unwrap_or(0)
    }

    /// Counts the conditions.
    pub fn leaves(&self) -> usize {
        match self {
            Self::All(rules) | Self::Any(rules) => rules.iter().map(Self::leaves).sum(),
            Self::Not(rule) => rule.leaves(),
            Self::Field { .. } | Self::Words(_) | Self::List(_) | Self::Segment(_) => 1,
        }
    }

    /// Walks the conditions from left to right.
    pub(crate) fn each_leaf<'r>(&'r self, visit: &mut impl FnMut(&'r Self)) {
        match self {
            Self::All(rules) | Self::Any(rules) => rules.iter().for_each(|rule| rule.each_leaf(visit)),
            Self::Not(rule) => rule.each_leaf(visit),
            Self::Field { .. } | Self::Words(_) | Self::List(_) | Self::Segment(_) => visit(self),
        }
    }
}

fn single(mut rules: Vec<Rule>) -> Result<Rule, Vec<Rule>> {
    match rules.pop() {
        Some(only) if rules.is_empty() => Ok(only),
        last => {
            rules.extend(last);
            Err(rules)
        }
    }
}

/// Is a rule that was read, with the places of its conditions for later complaints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The rule.
    pub rule: Rule,
    /// Where each condition stands, from left to right.
    pub places: Vec<LeafPlace>,
}

/// Says where a condition stands in what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafPlace {
    /// Where its field is named.
    pub field: Place,
    /// Where its value is.
    pub value: Place,
}

/// Is a place in one of the two spellings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A column of a query string, in characters from 1.
    Column(usize),
    /// A JSON pointer within a tree; the tree itself is the empty one.
    Pointer(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(column) => write!(f, "column {column}"),
            Self::Pointer(pointer) => write!(f, "`{pointer}`"),
        }
    }
}

impl Parsed {
    /// Checks the limits and finishes reading.
    pub(crate) fn within_limits(self, start: Place) -> Result<Self, RuleError> {
        super::limits::check(&self.rule).map_err(|fault| fault.at(start))?;
        Ok(self)
    }
}
