//! Orders of contacts that the index has.

use model::rule::{Source, StandardField};
use model::{AttributeType, FieldId};

use super::{COMPANY, CREATED_AT, FIRST_NAME, JOB_TITLE, LAST_NAME, SCORE, attribute, engaged, engagements};
use crate::{Direction, Sort};

impl Sort {
    /// Orders by what a condition could read; none where the index has no whole values of that.
    /// Instants are in the order of their minutes, those of the creation of their seconds.
    pub fn by(source: Source, direction: Direction) -> Option<Self> {
        let text = |field| Some(Self { field, direction, missing: None, is_text: true });
        let (field, missing) = match source {
            Source::Standard(StandardField::FirstName) => return text(FIRST_NAME),
            Source::Standard(StandardField::LastName) => return text(LAST_NAME),
            Source::Standard(StandardField::Company) => return text(COMPANY),
            Source::Standard(StandardField::JobTitle) => return text(JOB_TITLE),
            Source::Attribute(id @ FieldId { kind: AttributeType::Text, .. }) => return text(attribute(id)?),
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
        Some(Self { field, direction, missing, is_text: false })
    }
}
