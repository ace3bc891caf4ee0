use api::{ApiError, App, Caller, Location, PathText, Preconditions, Problem, QueryParams};
use axum::extract::State;
use axum::http::StatusCode;
use model::Standing;
use serde::Deserialize;
use store::Written;
use utoipa::IntoParams;

use crate::Store;

/// Says which kind of delete is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeleteParams {
    /// Erases everything that is held on the person, the consent log included. Only a keyed hash of
    /// the address stays, and refuses it (`suppressed_erased`) until the person consents anew.
    #[serde(default)]
    erase: bool,
}

const ROUNDS: usize = 8;

/// Deletes a contact. An unsubscribed or bounced address stays so when it comes back.
#[utoipa::path(
    delete,
    path = "/api/v1/contacts/{id}",
    tag = "contacts",
    params(
        ("id" = String, Path, description = "The UUID, or the URL-encoded email"),
        DeleteParams,
        ("If-Match" = Option<String>, Header, description = "Only if the contact is in this state"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, body = Problem, description = "`contact_not_found`"),
        (status = 412, body = Problem, description = "Not in the state that the conditions name"),
    )
)]
pub async fn delete<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
    QueryParams(params): QueryParams<DeleteParams>,
    conditions: Preconditions,
) -> Result<StatusCode, ApiError> {
    let location = Location::parse(&id)?;
    let found = location.find(&app.store, &caller).await?;
    let mut contact = found.ok_or_else(|| ApiError::not_found("contact"))?;
    for _ in 0..ROUNDS {
        conditions.check(Some(&contact))?;
        let deleted = if params.erase {
            app.store.erase(&caller.tenant, &contact, app.now()).await?
        } else {
            app.store.delete(&caller.tenant, &contact, app.now()).await?
        };
        match deleted {
            Written::Done(_) => return Ok(StatusCode::NO_CONTENT),
            Written::Lost { standing: Standing::Held(now), .. } if now.id == contact.id => contact = *now,
            // It moved, or went away: look again by what the caller named.
            Written::Lost { .. } => {
                let found = location.find(&app.store, &caller).await?;
                contact = found.ok_or_else(|| ApiError::not_found("contact"))?;
            }
        }
    }
    Err(ApiError::contended())
}
