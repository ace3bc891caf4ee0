use api::{ApiError, App, Caller, Cursor, CursorKind, Problem, QueryParams};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Store;
use crate::suppress::SuppressionView;

const DEFAULT_LIMIT: usize = 200;
const MAX_LIMIT: usize = 1_000;

/// Says which suppressions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuppressionParams {
    /// Most suppressions of a page, 1 to 1,000; 200 if absent.
    limit: Option<usize>,
    /// Where the previous page ended.
    cursor: Option<String>,
}

/// Some suppressions, and where to go on.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuppressionList {
    items: Vec<SuppressionView>,
    /// None at the end.
    next_cursor: Option<String>,
}

/// Lists the addresses without a contact that must not be written to, in no order. A page may be
/// empty before the end. Contacts that are `unsubscribed` or `bounced` are found by a search.
#[utoipa::path(
    get,
    path = "/api/v1/suppressions",
    tag = "suppressions",
    params(SuppressionParams),
    responses((status = 200, body = SuppressionList), (status = 400, body = Problem), (status = 410, body = Problem))
)]
pub async fn list<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    QueryParams(params): QueryParams<SuppressionParams>,
) -> Result<Json<SuppressionList>, ApiError> {
    let limit = params.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("`limit` is 1 to {MAX_LIMIT}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_limit", detail).into());
    }
    let kind = CursorKind::Suppressions;
    let after = params.cursor.as_deref().map(|token| Cursor::read(&caller.tenant, kind, token));
    let page = app.store.suppressions(&caller.tenant, after.transpose()?, limit).await?;
    let next_cursor = page.next.map(|place| Cursor::token(&caller.tenant, kind, place));
    let shown = page.suppressions.into_iter();
    let items = shown.map(|(email, known)| SuppressionView::of(email.as_ref(), known)).collect();
    Ok(Json(SuppressionList { items, next_cursor }))
}
