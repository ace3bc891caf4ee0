use api::{ApiError, Caller, Cursor, CursorKind, PathText, Problem, QueryParams};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::view::{ImportView, view};
use crate::{Deps, Objects, Store};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

/// Reads one import: where it stands, its counts and its error report.
#[utoipa::path(
    get,
    path = "/api/v1/imports/{id}",
    tag = "imports",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = ImportView), (status = 404, body = Problem, description = "`import_not_found`"))
)]
pub async fn read<S: Store, O: Objects>(
    State(Deps { app, objects }): State<Deps<S, O>>,
    caller: Caller,
    PathText(id): PathText,
) -> Result<Json<ImportView>, ApiError> {
    let id = Uuid::try_parse(&id).map_err(|_| ApiError::not_found("import"))?;
    let job = app.store.job(caller.tenant.id, id).await?.ok_or_else(|| ApiError::not_found("import"))?;
    Ok(Json(view(&app.store, &objects, job).await?))
}

/// Says which imports to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// Most imports of a page, 1 to 100; 20 if absent.
    limit: Option<usize>,
    /// Where the previous page ended.
    cursor: Option<String>,
}

/// Some imports, and where to go on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportList {
    items: Vec<ImportView>,
    /// None at the end.
    next_cursor: Option<String>,
}

/// Lists the imports, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/imports",
    tag = "imports",
    params(ListParams),
    responses((status = 200, body = ImportList), (status = 400, body = Problem))
)]
pub async fn list<S: Store, O: Objects>(
    State(Deps { app, objects }): State<Deps<S, O>>,
    caller: Caller,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Json<ImportList>, ApiError> {
    let limit = params.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("`limit` is 1 to {MAX_LIMIT}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_limit", detail).into());
    }
    let below =
        params.cursor.as_deref().map(|token| Cursor::read(&caller.tenant, CursorKind::Imports, token));
    // One more than asked tells whether there is a next page.
    let mut jobs = app.store.jobs(caller.tenant.id, below.transpose()?, limit + 1).await?;
    let more = jobs.len() > limit;
    jobs.truncate(limit);
    let place = jobs.last().map(|job| job.id).filter(|_| more);
    let next_cursor = place.map(|id| Cursor::token(&caller.tenant, CursorKind::Imports, id));
    let mut items = Vec::with_capacity(jobs.len());
    for job in jobs {
        items.push(view(&app.store, &objects, job).await?);
    }
    Ok(Json(ImportList { items, next_cursor }))
}
