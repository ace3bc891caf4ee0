//! What several of the endpoints read.

use api::{ApiError, App, Caller, Members, Problem};
use axum::http::StatusCode;
use model::rule::ListRef;
use model::{Invalid, List, ListBook, ListName, MAX_WATCHED_SEGMENTS};
use serde_json::Value;
use store::{TimedTask, Timer};
use utoipa::ToSchema;

use crate::ListsStore;

/// Losing a race this often means that lists are changed all the time.
pub(crate) const ROUNDS: usize = 8;

/// A list: static or, with a rule in one of its spellings, dynamic.
#[derive(ToSchema)]
#[schema(as = ListInput)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct ListInput {
    /// At most 100 characters, unique in the tenant whatever its case.
    #[schema(example = "Hot US")]
    name: String,
    /// `static` or `dynamic`; without it a rule says which. It never changes.
    #[serde(rename = "type")]
    #[schema(example = "dynamic")]
    kind: Option<String>,
    /// Who is in a segment, as a query string; absent where `rule` is given.
    #[schema(example = "industry:Technology AND location:USA")]
    query: Option<String>,
    /// Who is in a segment, as a tree; absent where `query` is given.
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
    /// Whether the bus is told who enters a segment and who leaves it: `segment.entered` and
    /// `segment.exited`, by a change of a contact or the rule as well as by time alone. Whoever is in
    /// it when that is switched on enters then. At most 100 segments of a tenant.
    events: Option<bool>,
}

/// Reads a name.
pub(crate) fn name(value: Value) -> Result<ListName, Invalid> {
    match value {
        Value::String(name) => ListName::parse(&name),
        _ => Err(Invalid::new("wrong_type", "give text")),
    }
}

/// Says whether a list is made by hand or by a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Static,
    Dynamic,
}

impl Kind {
    pub(crate) fn of(list: &List) -> Self {
        if list.rule.is_some() { Self::Dynamic } else { Self::Static }
    }

    /// Takes `type`.
    pub(crate) fn read(members: &mut Members) -> Option<Self> {
        members.read("type", |kind| match kind.as_str() {
            Some("static") => Ok(Self::Static),
            Some("dynamic") => Ok(Self::Dynamic),
            _ => Err(Invalid::new("invalid_value", "give `static` or `dynamic`")),
        })
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Dynamic => "dynamic",
        }
    }
}

/// Takes `events`.
pub(crate) fn events(members: &mut Members) -> Option<bool> {
    members.read("events", |events| {
        events.as_bool().ok_or_else(|| Invalid::new("wrong_type", "give `true` or `false`"))
    })
}

/// Refuses to watch a static list, and too many segments.
pub(crate) fn check_events(after: &ListBook, list: &List) -> Result<(), ApiError> {
    if !list.events {
        return Ok(());
    }
    let refused = |code, detail: String| Err(ApiError::invalid_at("/events", Invalid::new(code, detail)));
    if list.rule.is_none() {
        return refused("conflict", "only of a segment it is told who enters and leaves".to_owned());
    }
    if after.watched().count() > MAX_WATCHED_SEGMENTS {
        return refused(
            "too_many_watched",
            format!("of at most {MAX_WATCHED_SEGMENTS} segments it is told who enters and leaves"),
        );
    }
    if list.members_number().is_none() {
        return refused(
            "too_many_watched",
            "so many lists were made that of new ones nothing can be told; use an older one".to_owned(),
        );
    }
    Ok(())
}

/// Has the clock see to watched segments: who is in them may be others by now.
pub(crate) async fn set_timer<S: ListsStore>(
    app: &App<S>,
    caller: &Caller,
    book: &ListBook,
) -> Result<(), ApiError> {
    if book.watched().next().is_some() {
        let timer = Timer { tenant: caller.tenant.id, task: TimedTask::Segments, due_at: app.now() };
        app.store.set_timer(&timer).await?;
    }
    Ok(())
}

/// Finds the list that a path names, by its id or its name.
pub(crate) fn found<'b>(book: &'b ListBook, id: &str) -> Result<&'b List, ApiError> {
    let list = ListRef::new(id).and_then(|list| book.find(&list));
    list.ok_or_else(|| ApiError::not_found("list"))
}

/// Refuses a name that another list has.
pub(crate) fn check_name(book: &ListBook, list: &List) -> Result<(), ApiError> {
    match book.named(&list.name).filter(|other| other.id != list.id) {
        None => Ok(()),
        Some(other) => {
            let detail = format!("there is a list `{}`; choose another name", other.name);
            Err(ApiError::conflict("list_exists", detail, Some(other.id.0)))
        }
    }
}

/// Answers 503: lists kept changing.
pub(crate) fn contended() -> ApiError {
    let detail = "the lists keep changing; try again";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "contended", detail);
    Problem { retry_after_s: Some(1), ..problem }.into()
}
