use api::rule::RuleStore;
use api::{ApiError, App, Caller, PathText, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use store::{Freshness, ListChange};

use crate::input::{ROUNDS, contended, found};

/// Deletes a list. Its contacts stay, and are on it no longer.
#[utoipa::path(
    delete,
    path = "/api/v1/lists/{id}",
    tag = "lists",
    params(("id" = String, Path, description = "The UUID, or the URL-encoded name")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, body = Problem, description = "`list_not_found`"),
        (status = 409, body = Problem, description = "`list_in_use`: rules of segments name it; `detail` tells which"),
    )
)]
pub async fn delete<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
) -> Result<StatusCode, ApiError> {
    for _ in 0..ROUNDS {
        let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
        let list = found(&book, &id)?;
        let naming: Vec<String> =
            book.naming(list.id).into_iter().map(|other| format!("`{}`", other.name)).collect();
        if !naming.is_empty() {
            let detail =
                format!("the list is part of the rules of {}; change those first", naming.join(", "));
            return Err(ApiError::conflict("list_in_use", detail, None));
        }
        if app.store.change_lists(&caller.tenant, &book, ListChange::Remove(list.id)).await? {
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    Err(contended())
}
