//! Addresses that must not be written to, told from outside: lists of other tools, feedback loops.
//!
//! The memory lies where a contact at the address would, so every way to a contact meets it. It is
//! lifted by consent given with a create or a change of the contact, and by nothing else.

use api::{ApiError, App, BATCH_BYTES, Caller, JsonObject, Members, PathText, Problem};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, SecondsFormat, Utc};
use futures::{StreamExt, stream};
use model::{Contact, Email, Invalid, Profile, Standing, Status, Suppression, SuppressionReason, short_text};
use serde::Serialize;
use serde_json::Value;
use store::{ProfileUpdate, Write, Written};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Store;

const MAX_ITEMS: usize = 1_000;
const MAX_SOURCE_CHARS: usize = 200;
const AT_ONCE: usize = 16;
const ROUNDS: usize = 8;

/// Up to 1,000 addresses at once.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct SuppressionsInput {
    suppressions: Vec<SuppressionInput>,
}

/// An address that must not be written to.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct SuppressionInput {
    #[schema(example = "jane@example.com")]
    email: String,
    /// `unsubscribed`, `hard_bounce`, `complaint`, `erased` (only a keyed hash of the address is
    /// kept) or `manual` (the default).
    reason: Option<String>,
    /// Where that was learnt.
    #[schema(example = "old newsletter tool")]
    source: Option<String>,
}

/// What became of one item.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuppressionResult {
    /// Its place in the request.
    index: usize,
    /// 201: remembered, 200: the contact there is changed, or it was known before.
    status: u16,
    /// Why it failed; pointers start at the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// What became of each item, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuppressionResults {
    results: Vec<SuppressionResult>,
    suppressed: usize,
    unchanged: usize,
    failed: usize,
}

/// What is known of an address that must not be written to.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuppressionView {
    /// The address; null in a list where the person was erased.
    email: Option<String>,
    /// `unsubscribed`, `hard_bounce`, `complaint`, `erased` or `manual`.
    #[schema(value_type = String, example = "complaint")]
    reason: SuppressionReason,
    /// The status in which a contact would start there without consent.
    #[schema(value_type = String, example = "unsubscribed")]
    status: Status,
    /// Where that was learnt.
    source: Option<String>,
    /// Since when; null where a contact has the status.
    since: Option<String>,
    /// The contact that has the status, where there is one.
    contact_id: Option<Uuid>,
}

impl SuppressionView {
    /// Shows what is remembered of an address without a contact.
    pub(crate) fn of(email: Option<&Email>, suppression: Suppression) -> Self {
        Self {
            email: email.map(ToString::to_string),
            reason: suppression.reason,
            status: suppression.status(),
            since: Some(told(suppression.since)),
            source: suppression.source,
            contact_id: None,
        }
    }
}

fn told(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

struct Wanted {
    email: Email,
    reason: SuppressionReason,
    source: Option<String>,
}

enum Done {
    Remembered,
    Changed,
    Known,
}

/// Suppresses up to 1,000 addresses. A contact at an address becomes `unsubscribed` or `bounced`.
/// Sent again it changes nothing, so it takes no `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/api/v1/suppressions",
    tag = "suppressions",
    request_body = SuppressionsInput,
    responses(
        (status = 200, body = SuppressionResults, description = "Each item has a result of its own"),
        (status = 422, body = Problem, description = "Over 1,000 items, or no list at all"),
    )
)]
pub async fn suppress<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    body: JsonObject<BATCH_BYTES>,
) -> Result<Json<SuppressionResults>, ApiError> {
    let mut members = Members::new(body.members);
    let items = match members.require("suppressions") {
        Some(Value::Array(items)) if items.len() > MAX_ITEMS => {
            let detail = format!("a call has at most {MAX_ITEMS} addresses");
            members.fault("suppressions", Invalid::new("too_many_items", detail));
            Vec::new()
        }
        Some(Value::Array(items)) => items,
        Some(_) => {
            members.fault("suppressions", Invalid::new("wrong_type", "give a list of addresses"));
            Vec::new()
        }
        None => Vec::new(),
    };
    members.finish()?;
    let now = app.now();
    let work = items.into_iter().map(|item| {
        let (app, caller) = (&app, &caller);
        async move { one(app, caller, wanted(item)?, now).await }
    });
    let done: Vec<Result<Done, ApiError>> = stream::iter(work).buffered(AT_ONCE).collect().await;
    let mut all = SuppressionResults { results: Vec::new(), suppressed: 0, unchanged: 0, failed: 0 };
    for (index, done) in done.into_iter().enumerate() {
        let (status, error, count) = match done {
            Ok(Done::Remembered) => (201, None, &mut all.suppressed),
            Ok(Done::Changed) => (200, None, &mut all.suppressed),
            Ok(Done::Known) => (200, None, &mut all.unchanged),
            Err(error) => {
                let problem = error.to_problem();
                (problem.status, Some(problem), &mut all.failed)
            }
        };
        *count += 1;
        all.results.push(SuppressionResult { index, status, error });
    }
    Ok(Json(all))
}

fn wanted(item: Value) -> Result<Wanted, ApiError> {
    let Value::Object(item) = item else {
        return Err(ApiError::invalid_at("", Invalid::new("wrong_type", "give an object")));
    };
    let mut members = Members::new(item);
    let text = |value: Value| match value {
        Value::String(text) => Ok(text),
        _ => Err(Invalid::new("wrong_type", "give text")),
    };
    let email = members.require("email").and_then(|value| {
        text(value).and_then(|text| Email::parse(&text)).map_err(|e| members.fault("email", e)).ok()
    });
    let reason = members.read("reason", |value| text(value)?.parse());
    let source = members.read("source", |value| short_text(&text(value)?, Some(MAX_SOURCE_CHARS)));
    members.finish()?;
    Ok(Wanted {
        email: email.ok_or_else(|| ApiError::malformed("no email"))?,
        reason: reason.unwrap_or(SuppressionReason::Manual),
        source: source.flatten(),
    })
}

async fn one<S: Store>(
    app: &App<S>,
    caller: &Caller,
    wanted: Wanted,
    now: DateTime<Utc>,
) -> Result<Done, ApiError> {
    let Wanted { email, reason, source } = wanted;
    let suppression = match reason {
        SuppressionReason::Erased => Suppression::erased(now),
        _ => Suppression { reason, since: now, source },
    };
    let mut standing = standing(app, caller, &email).await?;
    for _ in 0..ROUNDS {
        let replaces = match standing {
            Standing::Free => None,
            // The first word stands; only an erasure goes beyond it.
            Standing::Suppressed(known)
                if reason == SuppressionReason::Erased && known.reason != SuppressionReason::Erased =>
            {
                Some(known)
            }
            Standing::Suppressed(_) => return Ok(Done::Known),
            // What is held on the person would stay: that is not what erased means.
            Standing::Held(contact) if reason == SuppressionReason::Erased => return Err(to_erase(&contact)),
            Standing::Held(contact) if contact.profile.status.is_suppressed() => return Ok(Done::Known),
            Standing::Held(contact) => {
                let grounds = Some(suppression.grounds());
                let profile = Profile { status: reason.status(), grounds, ..contact.profile.clone() };
                let update =
                    ProfileUpdate { before: *contact, profile, replaces: None, consent: None, origin: None };
                let write = vec![Write::Update(Box::new(update))];
                let written = app.store.write(&caller.tenant, write, now).await?;
                match written.into_iter().next().ok_or_else(ApiError::contended)?? {
                    Written::Done(_) => return Ok(Done::Changed),
                    Written::Lost { standing: now, .. } => standing = now,
                }
                continue;
            }
        };
        match app.store.suppress(&caller.tenant, &email, &suppression, replaces.as_ref()).await? {
            None => return Ok(Done::Remembered),
            Some(now) => standing = now,
        }
    }
    Err(ApiError::contended())
}

/// Tells why an address must not be written to.
#[utoipa::path(
    get,
    path = "/api/v1/suppressions/{id}",
    tag = "suppressions",
    params(("id" = String, Path, description = "The URL-encoded email")),
    responses(
        (status = 200, body = SuppressionView),
        (status = 404, body = Problem, description = "`suppression_not_found`: nothing speaks against it"),
    )
)]
pub async fn read<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(email): PathText,
) -> Result<Json<SuppressionView>, ApiError> {
    let unknown = || ApiError::not_found("suppression");
    let email = Email::parse(&email).map_err(|_| unknown())?;
    let (suppression, contact_id) = match standing(&app, &caller, &email).await? {
        Standing::Suppressed(suppression) => (suppression, None),
        Standing::Held(contact) => {
            let suppression = Suppression::left_by(&contact, contact.updated_at).ok_or_else(unknown)?;
            (suppression, Some(contact.id.as_uuid()))
        }
        Standing::Free => return Err(unknown()),
    };
    let mut view = SuppressionView::of(Some(&email), suppression);
    view.since = view.since.filter(|_| contact_id.is_none());
    view.contact_id = contact_id;
    Ok(Json(view))
}

fn to_erase(contact: &Contact) -> ApiError {
    let detail = "there is a contact with this email; erase it with DELETE and `erase=true`";
    ApiError::conflict("contact_exists", detail, Some(contact.id.as_uuid()))
}

async fn standing<S: Store>(app: &App<S>, caller: &Caller, email: &Email) -> Result<Standing, ApiError> {
    let standing = app.store.standings(&caller.tenant, std::slice::from_ref(email)).await?.pop();
    Ok(standing.unwrap_or(Standing::Free))
}
