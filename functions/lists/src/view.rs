//! How lists are shown, each with its exact count.

use api::rule::{RuleStore, bound_to, unanswered};
use api::{ApiError, App, Caller, Problem};
use chrono::{DateTime, SecondsFormat, Utc};
use model::rule::Bound;
use model::{List, ListBook};
use serde::Serialize;
use serde_json::Value;
use store::{ContactSearch, Counted, UsageKind};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::input::Kind;
use crate::rules::{rule_of, unplaced};

/// A static list or a segment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = List)]
pub struct ListView {
    /// Never changes, also when the name does.
    id: Uuid,
    /// What rules call it: `list:` a static one, `segment:` a dynamic one.
    #[schema(example = "Hot US")]
    name: String,
    /// `static` or `dynamic`.
    #[serde(rename = "type")]
    #[schema(example = "dynamic")]
    kind: &'static str,
    /// Who is in a segment, as a query string, with the lists that it names as they are called now;
    /// null for a static list.
    #[schema(example = "industry:Technology AND location:USA")]
    query: Option<String>,
    /// The same as a tree.
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
    /// Whether the bus is told who enters and leaves the segment.
    events: bool,
    /// How many contacts are on it, exactly, as far as the index has followed: usually within three
    /// seconds. Null where `problem` says why.
    #[schema(example = 123)]
    count: Option<u64>,
    /// How many of them are `active`: those that `GET /lists/{id}/contacts` gives.
    #[schema(example = 120)]
    active_count: Option<u64>,
    /// Why there is no count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    problem: Option<ListProblem>,
    /// When it was made.
    created_at: String,
    /// When its name or rule last changed.
    updated_at: String,
}

/// Why a list has no count.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ListProblem {
    /// `too_broad`, or what is wrong with the rule since it was saved.
    #[schema(value_type = String, example = "too_broad")]
    code: std::borrow::Cow<'static, str>,
    /// In words.
    detail: String,
}

impl ListProblem {
    /// Gives code and detail.
    pub(crate) fn into_parts(self) -> (std::borrow::Cow<'static, str>, String) {
        (self.code, self.detail)
    }
}

impl From<Problem> for ListProblem {
    fn from(problem: Problem) -> Self {
        match problem.errors.into_iter().next() {
            Some(error) => Self { code: error.code, detail: error.detail },
            None => Self { code: problem.code, detail: problem.detail },
        }
    }
}

/// Shows lists of a book with their counts, all of them by one reading of the index.
pub(crate) async fn views<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    book: &ListBook,
    lists: &[&List],
) -> Result<Vec<ListView>, ApiError> {
    let counts = counts(app, caller, book, lists).await?;
    Ok(lists.iter().zip(counts).map(|(list, count)| view(book, list, count)).collect())
}

/// Shows one list.
pub(crate) async fn one<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    book: &ListBook,
    list: &List,
) -> Result<ListView, ApiError> {
    let count = counts(app, caller, book, &[list]).await?.pop();
    Ok(view(book, list, count.unwrap_or_else(|| Err(ApiError::not_found("list").to_problem().into()))))
}

pub(crate) type Count = Result<Counted, ListProblem>;

/// Counts lists, all of them by one reading of the index.
pub(crate) async fn counts<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    book: &ListBook,
    lists: &[&List],
) -> Result<Vec<Count>, ApiError> {
    // One moment for all.
    let now = app.now();
    let mut rules: Vec<Result<Bound, ListProblem>> = Vec::with_capacity(lists.len());
    for list in lists {
        let Some(rule) = rule_of(list) else { continue };
        // Names stand for other fields than when it was saved, if those changed their types.
        rules.push(match bound_to(now, &app.store, caller, &unplaced(rule), book).await {
            Ok((rule, _)) => Ok(rule),
            Err(error @ ApiError::Store(_)) => return Err(error),
            Err(error) => Err(error.to_problem().into()),
        });
    }
    let asked: Vec<&Bound> = rules.iter().flatten().collect();
    let search = ContactSearch { store: &app.store, tenant: &caller.tenant };
    let used = app.count(caller.tenant.id, UsageKind::Searches);
    let (counted, used) = tokio::join!(search.count_all(&asked), used);
    used?;
    let mut counted = counted.map_err(unanswered)?.into_iter();
    let count = |rule: Result<Bound, ListProblem>| {
        rule.and_then(|_| match counted.next() {
            Some(Ok(counted)) => Ok(counted),
            Some(Err(error)) => Err(unanswered(error).to_problem().into()),
            None => Err(ApiError::not_found("list").to_problem().into()),
        })
    };
    Ok(rules.into_iter().map(count).collect())
}

fn view(book: &ListBook, list: &List, count: Count) -> ListView {
    let rule = list.rule.as_ref().map(|rule| book.shown(rule));
    let (counted, problem) = match count {
        Ok(counted) => (Some(counted), None),
        Err(problem) => (None, Some(problem)),
    };
    ListView {
        id: list.id.0,
        name: list.name.to_string(),
        kind: Kind::of(list).as_str(),
        query: rule.as_ref().map(ToString::to_string),
        rule: rule.map(|rule| rule.to_json()),
        events: list.events,
        count: counted.map(|counted| counted.all),
        active_count: counted.map(|counted| counted.active),
        problem,
        created_at: moment(list.created_at),
        updated_at: moment(list.updated_at),
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
