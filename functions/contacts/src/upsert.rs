use api::{ApiError, App, Caller, JsonObject, Members, Preconditions, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use model::{Mode, Standing};

use crate::Store;
use crate::apply::{Applied, Wanted, apply_all};
use crate::attributes::typed;
use crate::create::{created, shown};
use crate::input::{Input, Purpose};

/// Creates the contact of an address, or merges into the one that is there.
#[utoipa::path(
    put,
    path = "/api/v1/contacts",
    tag = "contacts",
    params(
        ("If-Match" = Option<String>, Header, description = "Only if the contact is in this state"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is no contact"),
    ),
    request_body = crate::schema::ContactInput,
    responses(
        (status = 200, body = api::ContactView, description = "Merged, or already so"),
        (status = 201, body = api::ContactView, description = "Created"),
        (status = 412, body = Problem, description = "Not in the state that the conditions name"),
        (status = 422, body = Problem, description = "Each fault with its pointer"),
    )
)]
pub async fn upsert<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    conditions: Preconditions,
    body: JsonObject,
) -> Result<Response, ApiError> {
    let mut members = Members::new(body.members);
    let mut input = Input::read(&mut members, Purpose::Upsert);
    members.finish()?;
    let attributes = std::mem::take(&mut input.attributes);
    typed(&app.store, &caller.tenant, attributes, &mut input.change).await?;
    let (email, email_typed) = input.email.ok_or_else(|| ApiError::malformed("no email"))?;
    let standing = app.store.standings(&caller.tenant, std::slice::from_ref(&email)).await?.pop();
    let standing = standing.unwrap_or(Standing::Free);
    let wanted = Wanted { email, email_typed, change: input.change, standing };
    let check = |standing: &Standing| {
        conditions.check(match standing {
            Standing::Held(contact) => Some(contact),
            Standing::Free | Standing::Suppressed(_) => None,
        })
    };
    let applied = apply_all(&app, &caller, vec![wanted], Mode::Upsert, None, check).await;
    match applied.into_iter().next().ok_or_else(ApiError::contended)?? {
        Applied::Created(contact) => created(&app, &caller, &contact).await,
        Applied::Updated(contact) | Applied::Unchanged(contact) => {
            shown(&app, &caller, &contact, StatusCode::OK).await
        }
    }
}
