use api::{ApiError, App, Caller, Location, PathText, Problem};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use model::Consent;
use serde::Serialize;
use store::ConsentEntry;
use utoipa::ToSchema;

use crate::Store;

/// An agreement that a person gave.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentView {
    /// Where it was given.
    #[schema(example = "newsletter-form")]
    source: String,
    /// How.
    #[schema(example = "double_opt_in")]
    method: String,
    /// When.
    captured_at: DateTime<Utc>,
    /// The words the person agreed to.
    text: String,
    /// When it came here.
    recorded_at: DateTime<Utc>,
}

/// All agreements of one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentList {
    items: Vec<ConsentView>,
}

/// Lists the consent records of a contact, the oldest agreement first. They are only ever added to.
#[utoipa::path(
    get,
    path = "/api/v1/contacts/{id}/consents",
    tag = "contacts",
    params(("id" = String, Path, description = "The UUID, or the URL-encoded email")),
    responses(
        (status = 200, body = ConsentList),
        (status = 404, body = Problem, description = "`contact_not_found`"),
    )
)]
pub async fn list<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
) -> Result<Json<ConsentList>, ApiError> {
    let contact = Location::parse(&id)?.find(&app.store, &caller).await?;
    let contact = contact.ok_or_else(|| ApiError::not_found("contact"))?;
    let log = app.store.consents(&caller.tenant, contact.id).await?;
    Ok(Json(ConsentList { items: log.into_iter().map(view).collect() }))
}

fn view(ConsentEntry { consent, recorded_at }: ConsentEntry) -> ConsentView {
    let Consent { source, method, captured_at, text } = consent;
    ConsentView { source, method, captured_at, text, recorded_at }
}
