use api::rule::RuleStore;
use api::{ApiError, App, Caller, PathText, Problem};
use axum::Json;
use axum::extract::State;
use store::Freshness;

use crate::input::found;
use crate::view::{ListView, one};

/// Reads a list with its exact count.
#[utoipa::path(
    get,
    path = "/api/v1/lists/{id}",
    tag = "lists",
    params(("id" = String, Path, description = "The UUID, or the URL-encoded name")),
    responses((status = 200, body = ListView), (status = 404, body = Problem, description = "`list_not_found`"))
)]
pub async fn read<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
) -> Result<Json<ListView>, ApiError> {
    let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
    Ok(Json(one(&app, &caller, &book, found(&book, &id)?).await?))
}
