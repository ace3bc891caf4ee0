use api::rule::RuleStore;
use api::{ApiError, App, Caller, Cursor, CursorKind, Problem, QueryParams};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::{List, ListNumber, MAX_LISTS};
use serde::{Deserialize, Serialize};
use store::{Freshness, StoreError};
use utoipa::{IntoParams, ToSchema};

use crate::view::{ListView, views};

/// Lambda answers with at most 6 MB; pages end early well before.
const PAGE_BYTES: usize = 4_000_000;

/// Says which lists to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListsParams {
    /// Most lists of a page, 1 to 1,000; all if absent.
    limit: Option<usize>,
    /// Where the previous page ended.
    cursor: Option<String>,
}

/// Some of the tenant's lists, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lists)]
pub struct ListsPage {
    items: Vec<ListView>,
    /// None at the end; a page ends early where rules are long.
    next_cursor: Option<String>,
}

/// Lists all lists, static and dynamic, each with its exact count of this very moment.
#[utoipa::path(
    get,
    path = "/api/v1/lists",
    tag = "lists",
    params(ListsParams),
    responses(
        (status = 200, body = ListsPage),
        (status = 400, body = Problem, description = "`invalid_limit`, `invalid_cursor`"),
        (status = 410, body = Problem, description = "`cursor_expired`"),
    )
)]
pub async fn list<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    QueryParams(params): QueryParams<ListsParams>,
) -> Result<Json<ListsPage>, ApiError> {
    let limit = params.limit.unwrap_or(MAX_LISTS);
    if !(1..=MAX_LISTS).contains(&limit) {
        let detail = format!("`limit` is 1 to {MAX_LISTS}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_limit", detail).into());
    }
    let after: Option<ListNumber> = match &params.cursor {
        Some(token) => Some(Cursor::read(&caller.tenant, CursorKind::Lists, token)?),
        None => None,
    };
    let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
    let mut rest = book.iter().filter(|list| after.is_none_or(|after| list.number > after));
    let lists: Vec<&List> = rest.by_ref().take(limit).collect();
    let mut is_last = rest.next().is_none();
    let mut items = Vec::with_capacity(lists.len());
    let mut bytes = 0;
    for view in views(&app, &caller, &book, &lists).await? {
        let view_bytes = serde_json::to_vec(&view).map_err(|e| StoreError::Malformed(e.to_string()))?.len();
        if bytes + view_bytes > PAGE_BYTES && !items.is_empty() {
            is_last = false;
            break;
        }
        bytes += view_bytes;
        items.push(view);
    }
    let last = lists.get(..items.len()).and_then(<[_]>::last).filter(|_| !is_last);
    let next_cursor = last.map(|list| Cursor::token(&caller.tenant, CursorKind::Lists, list.number));
    Ok(Json(ListsPage { items, next_cursor }))
}
