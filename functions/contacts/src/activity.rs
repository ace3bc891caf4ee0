use api::{ApiError, App, Caller, Cursor, CursorKind, Location, PathText, Problem, QueryParams};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::scoring::{Fact, Position};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::Store;
use crate::score::moment;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// Says how much of a timeline to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ActivityParams {
    /// Most events of a page, 1 to 200; 50 if absent.
    limit: Option<usize>,
    /// Where the previous page ended.
    cursor: Option<String>,
}

/// Some of what a contact did, and where to go on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActivityList {
    items: Vec<ActivityView>,
    /// None at the end.
    next_cursor: Option<String>,
}

/// An event as it was recorded.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActivityView {
    /// The sender's id for it.
    #[schema(example = "evt-1")]
    event_id: String,
    /// What happened.
    #[schema(example = "email.opened")]
    r#type: String,
    /// When.
    occurred_at: String,
    /// What else is known.
    #[schema(value_type = Object)]
    properties: Value,
    /// Whether a machine did it.
    machine: bool,
}

/// Lists what a contact did, the newest first. Events that come in late take their place by when
/// they happened.
#[utoipa::path(
    get,
    path = "/api/v1/contacts/{id}/activity",
    tag = "contacts",
    params(("id" = String, Path, description = "The UUID, or the URL-encoded email"), ActivityParams),
    responses(
        (status = 200, body = ActivityList),
        (status = 400, body = Problem),
        (status = 404, body = Problem, description = "`contact_not_found`"),
        (status = 410, body = Problem),
    )
)]
pub async fn list<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
    QueryParams(params): QueryParams<ActivityParams>,
) -> Result<Json<ActivityList>, ApiError> {
    let contact = Location::parse(&id)?.find(&app.store, &caller).await?;
    let contact = contact.ok_or_else(|| ApiError::not_found("contact"))?;
    let limit = params.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("`limit` is 1 to {MAX_LIMIT}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_limit", detail).into());
    }
    let place = params.cursor.as_deref();
    let place = place.map(|token| Cursor::<Place>::read(&caller.tenant, CursorKind::Activity, token));
    let below = match place.transpose()? {
        None => None,
        Some((owner, below)) if owner == contact.id.as_uuid() => Some(below),
        Some(_) => {
            let detail = "the cursor is one of another contact; start again without it";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", detail).into());
        }
    };
    let page = app.store.fact_page(caller.tenant.id, contact.id, below.as_ref(), limit).await?;
    let next = page.next_below.map(|below| (contact.id.as_uuid(), below));
    let next_cursor = next.map(|place| Cursor::token(&caller.tenant, CursorKind::Activity, place));
    Ok(Json(ActivityList { items: page.facts.into_iter().map(view).collect(), next_cursor }))
}

/// Whose timeline, and where in it.
type Place = (Uuid, Position);

fn view(fact: Fact) -> ActivityView {
    ActivityView {
        event_id: fact.position.event_id.to_string(),
        r#type: fact.kind.to_string(),
        occurred_at: moment(&fact.position.occurred_at),
        properties: fact.properties.to_json(),
        machine: fact.machine,
    }
}
