use api::{ApiError, App, Caller, ETag, Location, PathText, Preconditions, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};

use crate::Store;
use crate::create::shown;

/// Reads a contact by its id or its URL-encoded email.
#[utoipa::path(
    get,
    path = "/api/v1/contacts/{id}",
    tag = "contacts",
    params(
        ("id" = String, Path, description = "The UUID, or the URL-encoded email"),
        ("If-None-Match" = Option<String>, Header, description = "304 if the contact is still in this state"),
    ),
    responses(
        (status = 200, body = api::ContactView),
        (status = 304, description = "Still in the state that the caller has"),
        (status = 404, body = Problem, description = "`contact_not_found`"),
    )
)]
pub async fn read<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
    conditions: Preconditions,
) -> Result<Response, ApiError> {
    let contact = Location::parse(&id)?.find(&app.store, &caller).await?;
    let contact = contact.ok_or_else(|| ApiError::not_found("contact"))?;
    if conditions.is_unchanged(Some(&contact)) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        response.headers_mut().insert(ETAG, ETag::of(&contact).to_header());
        return Ok(response);
    }
    shown(&app, &caller, &contact, StatusCode::OK).await
}
