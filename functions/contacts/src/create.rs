use api::{Answer, ApiError, App, Caller, ETag, IdempotencyKey, JsonObject, Members, Problem, once, views};
use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::{Contact, ContactId, Mode, Standing};
use store::{ItemOutcome, Outcome};

use crate::Store;
use crate::apply::{Wanted, apply_all};
use crate::attributes::typed;
use crate::input::{Input, Purpose};

/// Creates a contact.
#[utoipa::path(
    post,
    path = "/api/v1/contacts",
    tag = "contacts",
    params(("Idempotency-Key" = Option<String>, Header, description = "Sends the same request again safely, for 24 hours")),
    request_body = crate::schema::ContactInput,
    responses(
        (status = 201, body = api::ContactView, description = "Created; `Location` and `ETag` are set"),
        (status = 409, body = Problem, description = "`contact_exists`, naming its id"),
        (status = 422, body = Problem, description = "Each fault with its pointer"),
    )
)]
pub async fn create<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Response, ApiError> {
    let key = key.request(&caller, &body.bytes);
    let mut members = Members::new(body.members);
    let mut input = Input::read(&mut members, Purpose::Create);
    members.finish()?;
    let mark = key.as_ref().map(store::RequestKey::mark);
    let act = async || {
        let attributes = std::mem::take(&mut input.attributes);
        typed(&app.store, &caller.tenant, attributes, &mut input.change).await?;
        let (email, email_typed) = input.email.take().ok_or_else(|| ApiError::malformed("no email"))?;
        // Not read first: in nearly all cases nothing is there, and the write finds out.
        let wanted = Wanted { email, email_typed, change: input.change, standing: Standing::Free };
        let applied = apply_all(&app, &caller, vec![wanted], Mode::CreateOnly, mark, |_| Ok(())).await;
        let applied = applied.into_iter().next().ok_or_else(ApiError::contended)??;
        let contact = applied.contact();
        let whole = ItemOutcome { status: 201, id: Some(contact.id.as_uuid()), code: None };
        Ok(Answer {
            response: created(&app, &caller, contact).await?,
            outcome: Outcome { whole, items: vec![] },
        })
    };
    let replay = async |outcome: Outcome| {
        let id = outcome.whole.id.map(ContactId::from_uuid).ok_or_else(|| ApiError::not_found("contact"))?;
        let contact = app.store.by_id(&caller.tenant, id).await?;
        created(&app, &caller, &contact.ok_or_else(|| ApiError::not_found("contact"))?).await
    };
    once(&app.store, key, act, replay).await
}

/// Shows a contact that was created.
pub(crate) async fn created<S: Store>(
    app: &App<S>,
    caller: &Caller,
    contact: &Contact,
) -> Result<Response, ApiError> {
    let mut response = shown(app, caller, contact, StatusCode::CREATED).await?;
    let location = HeaderValue::from_str(&format!("{}/contacts/{}", api::PREFIX, contact.id));
    if let Ok(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Shows a contact under a status.
pub(crate) async fn shown<S: Store>(
    app: &App<S>,
    caller: &Caller,
    contact: &Contact,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let view = views(&app.store, &caller.tenant, std::slice::from_ref(contact)).await?.pop();
    let mut response = (status, Json(view)).into_response();
    response.headers_mut().insert(ETAG, ETag::of(contact).to_header());
    Ok(response)
}
