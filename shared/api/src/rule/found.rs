//! Pages of the contacts that a rule means.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use index::{SortKey, SortValue};
use model::Contact;
use model::rule::Parsed;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{ContactSearch, UsageKind};
use utoipa::ToSchema;

use super::sort::sort;
use super::{RuleStore, WarningView, bound_at, unanswered};
use crate::{
    ApiError, App, Caller, ContactView, Cursor, CursorKind, Members, Problem, page_items, page_limit,
};

/// Says which page, in which order.
#[derive(Debug, Default)]
pub struct PageAsked {
    /// A field, and `-` in front of it for the largest first; the newest contacts first if absent.
    pub sort: Option<String>,
    /// Most contacts of the page.
    pub limit: Option<usize>,
    /// Where the previous page ended.
    pub cursor: Option<String>,
}

impl PageAsked {
    /// Takes `sort`, `limit` and `cursor` of a body; what is wrong with one is noted in the members.
    pub fn read(members: &mut Members) -> Self {
        Self { sort: members.parse("sort"), limit: members.parse("limit"), cursor: members.parse("cursor") }
    }
}

/// Some of the contacts that a rule means, and where to go on.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is only a description; pages are written item by item")]
pub struct FoundContacts {
    items: Vec<ContactView>,
    /// How many there are on all pages, exactly, as far as the index has followed: usually within
    /// three seconds.
    total: u64,
    /// None at the end.
    next_cursor: Option<String>,
    /// What is odd about the rule.
    warnings: Vec<WarningView>,
}

/// Holds a page as it is answered.
#[derive(Debug)]
pub struct Found {
    pub(super) items: Vec<u8>,
    pub(super) total: u64,
    pub(super) next_cursor: Option<String>,
    pub(super) warnings: Vec<WarningView>,
    pub(super) is_preview: bool,
}

/// Is where a page ended.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    /// Of the rule and the order.
    question: String,
    now: DateTime<Utc>,
    value: Option<PlaceValue>,
    ordinal: u32,
}

/// Is a number, or the bytes of a text in hexadecimal digits.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum PlaceValue {
    Number(f64),
    Text(String),
}

impl Place {
    fn key(self) -> SortKey {
        let value = self.value.map(|value| match value {
            PlaceValue::Number(number) => SortValue::Number(number),
            // It is signed, so it is what was written.
            PlaceValue::Text(digits) => SortValue::Text(hex::decode(digits).unwrap_or_default()),
        });
        SortKey { value, ordinal: self.ordinal }
    }
}

/// Finds a page of the contacts that a rule means.
///
/// # Errors
/// 400 for what is not understood, 410 for an old cursor, 422 for lists that there are not and for
/// a rule of which the index knows too little.
pub async fn found<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    parsed: &Parsed,
    page: PageAsked,
) -> Result<Found, ApiError> {
    let limit = page_limit(page.limit)?;
    let order = match &page.sort {
        Some(text) => Some(sort(&app.store, caller, text).await?),
        None => None,
    };
    let question = question_of(parsed, page.sort.as_deref());
    let place = match &page.cursor {
        Some(token) => Some(place(caller, token, &question)?),
        None => None,
    };
    // Within a cursor the clock stands, so that nobody comes or goes between pages.
    let now = place.as_ref().map_or_else(|| app.now(), |place| place.now);
    let (rule, warnings) = bound_at(now, &app.store, caller, parsed).await?;
    let contacts = ContactSearch { store: &app.store, tenant: &caller.tenant };
    let used = app.count(caller.tenant.id, UsageKind::Searches);
    let (matches, used) = tokio::join!(contacts.find(rule, order), used);
    used?;
    let matches = matches.map_err(unanswered)?;
    let after = place.map(Place::key);
    let page = contacts.page(&matches, after, limit).await.map_err(unanswered)?;
    let (keys, contacts): (Vec<SortKey>, Vec<Contact>) = page.contacts.into_iter().unzip();
    let (items, count) = page_items(&app.store, &caller.tenant, &contacts).await?;
    let last = if count < contacts.len() {
        keys.get(..count).and_then(<[_]>::last).cloned()
    } else {
        page.next_after
    };
    let next_cursor = last.map(|SortKey { value, ordinal }| {
        let value = value.map(|value| match value {
            SortValue::Number(number) => PlaceValue::Number(number),
            SortValue::Text(bytes) => PlaceValue::Text(hex::encode(bytes)),
        });
        Cursor::token(&caller.tenant, CursorKind::Search, Place { question, now, value, ordinal })
    });
    let warnings = warnings.into_iter().map(WarningView::from).collect();
    Ok(Found { items, total: matches.total(), next_cursor, warnings, is_preview: false })
}

impl Found {
    /// Tells the total as the `count` that a list of this rule would have, too.
    #[must_use]
    pub fn as_preview(self) -> Self {
        Self { is_preview: true, ..self }
    }
}

impl IntoResponse for Found {
    fn into_response(self) -> Response {
        let mut body = b"{\"items\":".to_vec();
        body.extend(self.items);
        let rest = format!(
            ",\"total\":{},\"next_cursor\":{},\"warnings\":{}}}",
            self.total,
            json!(self.next_cursor),
            json!(self.warnings)
        );
        body.extend(rest.into_bytes());
        if self.is_preview {
            body.pop();
            body.extend(format!(",\"count\":{}}}", self.total).into_bytes());
        }
        ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    }
}

/// Names a rule and an order, so that a cursor goes with no others.
pub(super) fn question_of(parsed: &Parsed, sort: Option<&str>) -> String {
    hex::encode(Sha256::digest(format!("{} by {}", parsed.rule, sort.unwrap_or_default())))
}

fn place(caller: &Caller, token: &str, question: &str) -> Result<Place, ApiError> {
    let place: Place = Cursor::read(&caller.tenant, CursorKind::Search, token)?;
    if place.question == question {
        return Ok(place);
    }
    let detail = "the cursor is of another rule or order; start again without it";
    Err(Problem::new(axum::http::StatusCode::BAD_REQUEST, "invalid_cursor", detail).into())
}
