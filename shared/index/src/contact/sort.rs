//! Orders of contacts that the index has.

use model::rule::{Source, StandardField};
use model::{AttributeType, FieldId};

use super::{CREATED_AT, SCORE, attribute, engaged, engagements};
use crate::{Direction, Sort};

impl Sort {
    /// Orders by what a condition could read; none where that is no number, day or instant of the
    /// index. Instants are in the order of their minutes.
    pub fn by(source: Source, direction: Direction) -> Option<Self> {
        let (field, missing) = match source {
            // The index leaves out the score that most have, and counters of nothing.
            Source::Standard(StandardField::Score) => (SCORE, Some(0.0)),
            Source::Standard(StandardField::Engagements(kind)) => (engagements(kind), Some(0.0)),
            Source::Standard(StandardField::CreatedAt) => (CREATED_AT, None),
            Source::Standard(StandardField::LastEngaged(kind)) => (engaged(kind), None),
            Source::Attribute(id @ FieldId { kind: AttributeType::Number | AttributeType::Date, .. }) => {
                (attribute(id)?, None)
            }
            _ => return None,
        };
        Some(Self { field, direction, missing })
    }
}
