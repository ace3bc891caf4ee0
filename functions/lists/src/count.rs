use api::rule::RuleStore;
use api::{ApiError, App, Caller, PathText, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use store::Freshness;
use utoipa::ToSchema;

use crate::input::found;
use crate::view::counts;

/// How many contacts are on a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListCount {
    /// How many, exactly, as far as the index has followed: usually within three seconds.
    #[schema(example = 123)]
    count: u64,
    /// How many of them are `active`.
    #[schema(example = 120)]
    active_count: u64,
}

/// Counts the contacts on a list.
#[utoipa::path(
    get,
    path = "/api/v1/lists/{id}/count",
    tag = "lists",
    params(("id" = String, Path, description = "The UUID, or the URL-encoded name")),
    responses(
        (status = 200, body = ListCount),
        (status = 404, body = Problem, description = "`list_not_found`"),
        (status = 422, body = Problem, description = "`too_broad`, or what is wrong with the segment's rule since it was saved"),
    )
)]
pub async fn count<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
) -> Result<Json<ListCount>, ApiError> {
    let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
    let list = found(&book, &id)?;
    match counts(&app, &caller, &book, &[list]).await?.pop() {
        Some(Ok(counted)) => Ok(Json(ListCount { count: counted.all, active_count: counted.active })),
        Some(Err(problem)) => {
            let (code, detail) = problem.into_parts();
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).into())
        }
        None => Err(ApiError::not_found("list")),
    }
}
