//! The rule of a request, in either spelling.

use api::{ApiError, FieldError, JsonObject, Members, Problem};
use axum::http::StatusCode;
use index::MAX_WALKED_ITEMS;
use model::Invalid;
use model::rule::{Parsed, Place, Rule, RuleError};
use serde_json::Value;
use store::{MAX_LOOKED_AT, SearchError};

/// Is a rule as a body has it.
#[derive(Debug)]
pub(crate) enum Asked {
    Query(String),
    Tree(Value),
}

impl Asked {
    /// Reads a body that holds a rule and nothing else.
    pub(crate) fn alone(body: JsonObject) -> Result<Self, ApiError> {
        let mut members = Members::new(body.members);
        let asked = Self::read(&mut members);
        members.finish()?;
        asked.ok_or_else(|| ApiError::malformed("no rule"))
    }

    /// Takes `query` or `rule`; what is wrong with that is noted in the members.
    pub(crate) fn read(members: &mut Members) -> Option<Self> {
        match (members.take("query"), members.take("rule")) {
            (None | Some(Value::Null), None | Some(Value::Null)) => {
                members.fault("query", Invalid::new("required", "give a `query`, or a `rule` instead"));
                None
            }
            (None | Some(Value::Null), Some(tree)) => Some(Self::Tree(tree)),
            (Some(Value::String(query)), None | Some(Value::Null)) => Some(Self::Query(query)),
            (Some(_), None | Some(Value::Null)) => {
                members.fault("query", Invalid::new("wrong_type", "give text, or a `rule` instead"));
                None
            }
            (Some(_), Some(_)) => {
                members.fault("rule", Invalid::new("conflict", "give either `query` or `rule`, not both"));
                None
            }
        }
    }

    /// Reads the rule.
    pub(crate) fn parse(&self) -> Result<Parsed, ApiError> {
        let parsed = match self {
            Self::Query(query) => Rule::parse(query),
            Self::Tree(tree) => Rule::from_json(tree),
        };
        parsed.map_err(|error| refused(vec![error]))
    }
}

/// Answers 400 for a rule that cannot be understood, with all places; 422 where it is understood
/// and names what there is not.
pub(crate) fn refused(errors: Vec<RuleError>) -> ApiError {
    let names_nothing =
        |error: &RuleError| matches!(error.code, "unknown_list" | "unknown_segment" | "segment_cycle");
    let status = if errors.iter().all(names_nothing) {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::BAD_REQUEST
    };
    let problem = Problem::of_errors(errors.into_iter().map(placed).collect());
    Problem { status: status.as_u16(), ..problem }.into()
}

/// Answers 422 for a rule of which the index knows too little.
pub(crate) fn unanswered(error: SearchError) -> ApiError {
    match error {
        SearchError::Store(error) => error.into(),
        SearchError::TooManyValues => {
            let detail = format!(
                "a part of a text is looked for among the different values of its field, and these take more than \
                 {MAX_WALKED_ITEMS} items of the index; ask for a whole value, for a longer start of one, or for a word"
            );
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_broad", detail).into()
        }
        SearchError::TooManyToLookAt(count) => {
            let detail = format!(
                "the index does not tell of {count} contacts whether they are meant, and at most {MAX_LOOKED_AT} \
                 are looked at; add a condition on an indexed field, or make one of part of a text a whole \
                 value or its start"
            );
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_broad", detail).into()
        }
    }
}

fn placed(error: RuleError) -> FieldError {
    let (pointer, column) = pointed(&error.place);
    let detail = match column {
        Some(_) => error.to_string(),
        None => error.detail.into_owned(),
    };
    FieldError { column, ..FieldError::new(pointer, Invalid::new(error.code, detail)) }
}

/// Gives the pointer into the body, and the column in the query there.
pub(crate) fn pointed(place: &Place) -> (String, Option<usize>) {
    match place {
        Place::Column(column) => ("/query".to_owned(), Some(*column)),
        Place::Pointer(inner) => (format!("/rule{inner}"), None),
    }
}
