//! The rule of a request, in either spelling.

use axum::http::StatusCode;
use index::MAX_WALKED_ITEMS;
use model::Invalid;
use model::rule::{Parsed, Place, Rule, RuleError};
use serde_json::Value;
use store::{MAX_LOOKED_AT, SearchError};

use crate::{ApiError, FieldError, JsonObject, Members, Problem};

/// Is a rule as a body has it.
#[derive(Debug)]
pub enum Asked {
    /// A query string.
    Query(String),
    /// A tree.
    Tree(Value),
}

/// Says that a fault is among those of the members.
#[derive(Debug, Clone, Copy)]
pub struct Noted;

impl Asked {
    /// Reads a body that holds a rule and nothing else.
    ///
    /// # Errors
    /// 422 where there is none, or something else.
    pub fn alone(body: JsonObject) -> Result<Self, ApiError> {
        let mut members = Members::new(body.members);
        let asked = Self::read(&mut members);
        members.finish()?;
        asked.ok_or_else(|| ApiError::malformed("no rule"))
    }

    /// Takes `query` or `rule`; what is wrong with that is noted in the members.
    pub fn read(members: &mut Members) -> Option<Self> {
        let asked = Self::read_any(members);
        if let Ok(None) = asked {
            members.fault("query", Invalid::new("required", "give a `query`, or a `rule` instead"));
        }
        asked.ok().flatten()
    }

    /// Takes `query` or `rule` where one is given; what is wrong with it is noted in the members.
    ///
    /// # Errors
    /// Nothing more is told than what is noted.
    pub fn read_any(members: &mut Members) -> Result<Option<Self>, Noted> {
        match (members.take("query"), members.take("rule")) {
            (None | Some(Value::Null), None | Some(Value::Null)) => Ok(None),
            (None | Some(Value::Null), Some(tree)) => Ok(Some(Self::Tree(tree))),
            (Some(Value::String(query)), None | Some(Value::Null)) => Ok(Some(Self::Query(query))),
            (Some(_), None | Some(Value::Null)) => {
                members.fault("query", Invalid::new("wrong_type", "give text, or a `rule` instead"));
                Err(Noted)
            }
            (Some(_), Some(_)) => {
                members.fault("rule", Invalid::new("conflict", "give either `query` or `rule`, not both"));
                Err(Noted)
            }
        }
    }

    /// Reads the rule.
    ///
    /// # Errors
    /// 400 with the place of the fault.
    pub fn parse(&self) -> Result<Parsed, ApiError> {
        let parsed = match self {
            Self::Query(query) => Rule::parse(query),
            Self::Tree(tree) => Rule::from_json(tree),
        };
        parsed.map_err(|error| refused(vec![error]))
    }
}

/// Answers 400 for a rule that cannot be understood, with all places; 422 where it is understood
/// and names what there is not.
pub fn refused(errors: Vec<RuleError>) -> ApiError {
    let names_nothing = |error: &RuleError| {
        matches!(error.code, "unknown_list" | "unknown_segment" | "segment_cycle" | "segments_too_deep")
    };
    let status = if errors.iter().all(names_nothing) {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::BAD_REQUEST
    };
    let problem = Problem::of_errors(errors.into_iter().map(placed).collect());
    Problem { status: status.as_u16(), ..problem }.into()
}

/// Answers 422 for a rule of which the index knows too little.
pub fn unanswered(error: SearchError) -> ApiError {
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
                 are looked at; add a condition on an indexed field (one whose values are being converted is \
                 indexed when that is done), or make one of part of a text a whole value or its start"
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
pub(super) fn pointed(place: &Place) -> (String, Option<usize>) {
    match place {
        Place::Column(column) => ("/query".to_owned(), Some(*column)),
        Place::Pointer(inner) => (format!("/rule{inner}"), None),
    }
}
