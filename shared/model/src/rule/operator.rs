use std::fmt;

use super::{Choice, Comparison, Relative};

/// Names an operator, with what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Takes nothing.
    Exists,
    /// Takes nothing.
    Missing,
    /// Takes one value.
    One(Comparison),
    /// Takes one or more values.
    Many(Choice),
    /// Takes two values.
    Between,
    /// Takes a span of time.
    Relative(Relative),
    /// Takes a period of the calendar.
    During,
}

impl Operator {
    /// Lists every operator with its name in both spellings.
    pub const NAMES: [(Self, &str); 28] = [
        (Self::One(Comparison::Is), "is"),
        (Self::One(Comparison::IsNot), "is_not"),
        (Self::Many(Choice::In), "in"),
        (Self::Many(Choice::NotIn), "not_in"),
        (Self::One(Comparison::Contains), "contains"),
        (Self::One(Comparison::NotContains), "not_contains"),
        (Self::One(Comparison::StartsWith), "starts_with"),
        (Self::One(Comparison::EndsWith), "ends_with"),
        (Self::Exists, "exists"),
        (Self::Missing, "missing"),
        (Self::One(Comparison::Eq), "eq"),
        (Self::One(Comparison::Ne), "ne"),
        (Self::One(Comparison::Gt), "gt"),
        (Self::One(Comparison::Gte), "gte"),
        (Self::One(Comparison::Lt), "lt"),
        (Self::One(Comparison::Lte), "lte"),
        (Self::Between, "between"),
        (Self::One(Comparison::On), "on"),
        (Self::One(Comparison::Before), "before"),
        (Self::One(Comparison::After), "after"),
        (Self::Relative(Relative::InLast), "in_last"),
        (Self::Relative(Relative::InNext), "in_next"),
        (Self::Relative(Relative::OlderThan), "older_than"),
        (Self::During, "during"),
        (Self::Relative(Relative::AnniversaryInNext), "anniversary_in_next"),
        (Self::Many(Choice::HasAny), "has_any"),
        (Self::Many(Choice::HasAll), "has_all"),
        (Self::Many(Choice::HasNone), "has_none"),
    ];

    /// Finds an operator by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, known)| *known == name).map(|(operator, _)| operator)
    }

    /// Gives the name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES
            .into_iter()
            .find(|(operator, _)| *operator == self)
            .map(|(_, name)| name)
            .unwrap_or_default()
    }

    /// Tells whether the operator is true where there is no value: it denies something.
    pub fn holds_of_missing(self) -> bool {
        matches!(
            self,
            Self::Missing
                | Self::One(Comparison::IsNot | Comparison::NotContains)
                | Self::Many(Choice::NotIn | Choice::HasNone)
        )
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
