use api::{
    ApiError, App, Caller, ContactView, Cursor, CursorKind, JsonObject, Members, Problem, QueryParams,
    page_items, page_limit,
};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use index::{SortKey, SortValue};
use model::Contact;
use model::rule::NoLists;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::{ContactSearch, UsageKind};
use utoipa::{IntoParams, ToSchema};

use crate::Store;
use crate::request::{Asked, unanswered};
use crate::sort::sort;
use crate::tenant::bound_at;
use crate::warning::WarningView;

/// Says whom to find.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchParams {
    /// The rule as a query string.
    #[param(example = "industry:SaaS AND score:>50")]
    query: String,
    /// The field to sort by, with `-` in front for the largest first: `score`, `created_at`,
    /// `last_opened_at` and its like, `first_name`, `last_name`, `company`, `job_title`, a custom
    /// number, date or text; instants are in the order of their minutes. Who has no value comes
    /// last. The newest contacts come first if absent.
    #[param(example = "-score")]
    sort: Option<String>,
    /// Most contacts of a page, 1 to 200; 50 if absent.
    limit: Option<usize>,
    /// Where the previous page ended. It goes with the same rule and order, and keeps the clock.
    cursor: Option<String>,
}

/// Says which page, in which order.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) sort: Option<String>,
    pub(crate) limit: Option<usize>,
    pub(crate) cursor: Option<String>,
}

/// Whom to find.
#[derive(ToSchema)]
#[schema(as = SearchInput)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct SearchInput {
    /// The rule as a query string; absent where `rule` is given.
    #[schema(example = "industry:SaaS AND score:>50")]
    query: Option<String>,
    /// The rule as a tree; absent where `query` is given.
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
    /// As in the query of the same path.
    #[schema(example = "-score")]
    sort: Option<String>,
    /// 1 to 200; 50 if absent.
    limit: Option<usize>,
    /// Where the previous page ended.
    cursor: Option<String>,
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

/// Finds the contacts that a query string means.
#[utoipa::path(
    get,
    path = "/api/v1/contacts/search",
    tag = "search",
    params(SearchParams),
    responses(
        (status = 200, body = FoundContacts),
        (status = 400, body = Problem, description = "The rule, the order or the cursor is not understood; each fault with its column"),
        (status = 410, body = Problem, description = "`cursor_expired`"),
        (status = 422, body = Problem, description = "`too_broad`: the index does not tell, and too many contacts would have to be looked at"),
    )
)]
pub async fn search_by_query<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    QueryParams(params): QueryParams<SearchParams>,
) -> Result<Response, ApiError> {
    let SearchParams { query, sort, limit, cursor } = params;
    found(&app, &caller, &Asked::Query(query), Page { sort, limit, cursor }).await
}

/// Finds the contacts that a rule means.
#[utoipa::path(
    post,
    path = "/api/v1/contacts/search",
    tag = "search",
    request_body = SearchInput,
    responses(
        (status = 200, body = FoundContacts),
        (status = 400, body = Problem, description = "The rule, the order or the cursor is not understood; each fault with its column or pointer"),
        (status = 410, body = Problem, description = "`cursor_expired`"),
        (status = 422, body = Problem, description = "`too_broad`: the index does not tell, and too many contacts would have to be looked at"),
    )
)]
pub async fn search<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    body: JsonObject,
) -> Result<Response, ApiError> {
    let mut members = Members::new(body.members);
    let asked = Asked::read(&mut members);
    let page =
        Page { sort: members.parse("sort"), limit: members.parse("limit"), cursor: members.parse("cursor") };
    members.finish()?;
    found(&app, &caller, &asked.ok_or_else(|| ApiError::malformed("no rule"))?, page).await
}

/// Answers with the contacts that a rule means.
pub(crate) async fn found<S: Store>(
    app: &App<S>,
    caller: &Caller,
    asked: &Asked,
    page: Page,
) -> Result<Response, ApiError> {
    let limit = page_limit(page.limit)?;
    let parsed = asked.parse()?;
    let order = match &page.sort {
        Some(text) => Some(sort(app, caller, text).await?),
        None => None,
    };
    let question = format!("{} by {}", parsed.rule, page.sort.as_deref().unwrap_or_default());
    let question = hex::encode(Sha256::digest(question));
    let place = match &page.cursor {
        Some(token) => Some(place(caller, token, &question)?),
        None => None,
    };
    // Within a cursor the clock stands, so that nobody comes or goes between pages.
    let now = place.as_ref().map_or_else(|| app.now(), |place| place.now);
    let (rule, warnings) = bound_at(now, app, caller, &parsed, &NoLists).await?;
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
    let token = last.map(|SortKey { value, ordinal }| {
        let value = value.map(|value| match value {
            SortValue::Number(number) => PlaceValue::Number(number),
            SortValue::Text(bytes) => PlaceValue::Text(hex::encode(bytes)),
        });
        Cursor::token(&caller.tenant, CursorKind::Search, Place { question, now, value, ordinal })
    });
    let warnings: Vec<WarningView> = warnings.into_iter().map(WarningView::from).collect();
    let mut body = b"{\"items\":".to_vec();
    body.extend(items);
    let rest = format!(
        ",\"total\":{},\"next_cursor\":{},\"warnings\":{}}}",
        matches.total(),
        json!(token),
        json!(warnings)
    );
    body.extend(rest.into_bytes());
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
}

fn place(caller: &Caller, token: &str, question: &str) -> Result<Place, ApiError> {
    let place: Place = Cursor::read(&caller.tenant, CursorKind::Search, token)?;
    if place.question == question {
        return Ok(place);
    }
    let detail = "the cursor is of another rule or order; start again without it";
    Err(Problem::new(axum::http::StatusCode::BAD_REQUEST, "invalid_cursor", detail).into())
}
