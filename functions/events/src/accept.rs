use api::{ApiError, BATCH_BYTES, Caller, EdgeStore, FieldError, JsonObject, Members, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::Invalid;
use model::scoring::Event;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Bus, Deps};

const MAX_EVENTS: usize = 1_000;

/// Up to 1,000 events at once.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct EventsInput {
    events: Vec<EventInput>,
}

/// Something that somebody did.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
struct EventInput {
    /// The sender's own id for it: the same id at the same time counts once for a contact.
    #[schema(example = "evt-1")]
    id: String,
    /// `email.opened`, `email.clicked`, `email.replied`, `pricing_page.visited`, `email.bounced`,
    /// `email.unsubscribed`, or any other name of the kind.
    #[schema(example = "email.opened")]
    r#type: String,
    contact: EventContact,
    /// When it happened, as RFC 3339; kept to the millisecond, and what decides about the order.
    #[schema(example = "2026-11-23T08:00:00.000Z")]
    occurred_at: String,
    /// What else is known, 8 KB at most. `bounce_type` of a bounce is `hard` or `soft`.
    properties: Option<Object>,
    /// Whether the sender knows that a machine did it, such as a mail scanner: it is kept and has
    /// no points.
    machine: Option<bool>,
}

/// Any JSON object.
#[derive(ToSchema)]
struct Object {}

/// Who did it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
struct EventContact {
    #[schema(example = "jane@example.com")]
    email: String,
}

/// What became of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// How many are on their way.
    accepted: usize,
    /// Those that are not, in their order.
    rejected: Vec<Rejected>,
}

/// An event that was not taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rejected {
    /// Its place in the request.
    index: usize,
    /// Its id, where it has one.
    id: Option<String>,
    /// `invalid_event`, or `unavailable` where sending it again may help.
    #[schema(value_type = String, example = "invalid_event")]
    code: &'static str,
    /// What is wrong; pointers start at the event.
    errors: Vec<FieldError>,
}

/// Takes up to 1,000 engagement events. They are recorded shortly after; each one is checked by
/// itself, and what is wrong with one holds up no other. Sent again, an event counts once, so the
/// call takes no `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/api/v1/events",
    tag = "events",
    request_body = EventsInput,
    responses(
        (status = 202, body = Accepted, description = "What is not rejected will be recorded"),
        (status = 422, body = Problem, description = "Over 1,000 events, or no list at all"),
    )
)]
pub async fn accept<S: EdgeStore, B: Bus>(
    State(deps): State<Deps<S, B>>,
    caller: Caller,
    body: JsonObject<BATCH_BYTES>,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let mut members = Members::new(body.members);
    let items = match members.require("events") {
        Some(Value::Array(items)) if items.len() > MAX_EVENTS => {
            let detail = format!("a call has at most {MAX_EVENTS} events");
            members.fault("events", Invalid::new("too_many_items", detail));
            Vec::new()
        }
        Some(Value::Array(items)) => items,
        Some(_) => {
            members.fault("events", Invalid::new("wrong_type", "give a list of events"));
            Vec::new()
        }
        None => Vec::new(),
    };
    members.finish()?;
    let now = deps.app.now();
    let (mut events, mut places, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
    for (index, item) in items.iter().enumerate() {
        match Event::from_json(item, now) {
            Ok(event) => {
                events.push(event);
                places.push(index);
            }
            Err(faults) => {
                let errors = faults.into_iter().map(|fault| FieldError::new(fault.pointer, fault.invalid));
                rejected.push(Rejected {
                    index,
                    id: item.get("id").and_then(Value::as_str).map(str::to_owned),
                    code: "invalid_event",
                    errors: errors.collect(),
                });
            }
        }
    }
    let left = deps.bus.publish(caller.tenant.id, &events).await?;
    let accepted = events.len() - left.len();
    for (place, (index, event)) in places.into_iter().zip(&events).enumerate() {
        if left.contains(&place) {
            let id = Some(event.id.to_string());
            rejected.push(Rejected { index, id, code: "unavailable", errors: Vec::new() });
        }
    }
    rejected.sort_by_key(|rejected| rejected.index);
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted, rejected })))
}
