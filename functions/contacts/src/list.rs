use api::{ApiError, App, Caller, ContactView, Cursor, CursorKind, Problem, QueryParams, views};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::{Contact, Email, Ordinal, Standing};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::Store;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
/// Lambda answers with at most 6 MB; pages end early well before.
const PAGE_BYTES: usize = 4_000_000;

/// Says which contacts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// Lists the one contact with this email, if there is one.
    email: Option<String>,
    /// Most contacts of a page, 1 to 200; 50 if absent.
    limit: Option<usize>,
    /// Where the previous page ended.
    cursor: Option<String>,
    /// Needs the search index and is refused before it exists.
    sort: Option<String>,
}

/// Some contacts, and where to go on.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is only a description; pages are written item by item")]
pub struct ContactList {
    items: Vec<ContactView>,
    /// None at the end.
    next_cursor: Option<String>,
}

/// Lists all contacts, the newest block first. What is created meanwhile does not move the others.
#[utoipa::path(
    get,
    path = "/api/v1/contacts",
    tag = "contacts",
    params(ListParams),
    responses((status = 200, body = ContactList), (status = 400, body = Problem), (status = 410, body = Problem))
)]
pub async fn list<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Response, ApiError> {
    if params.sort.is_some() {
        return Err(ApiError::not_available("sorting"));
    }
    if let Some(email) = &params.email {
        return one(&app, &caller, email).await;
    }
    let limit = params.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("`limit` is 1 to {MAX_LIMIT}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_limit", detail).into());
    }
    let below =
        params.cursor.as_deref().map(|token| Cursor::read(&caller.tenant, CursorKind::Contacts, token));
    let page = app.store.page(&caller.tenant, below.transpose()?, limit).await?;
    rendered(&app, &caller, &page.contacts, page.next_below).await
}

async fn one<S: Store>(app: &App<S>, caller: &Caller, email: &str) -> Result<Response, ApiError> {
    let Ok(email) = Email::parse(email) else { return rendered(app, caller, &[], None).await };
    match app.store.standings(&caller.tenant, &[email]).await?.pop() {
        Some(Standing::Held(contact)) => rendered(app, caller, &[*contact], None).await,
        _ => rendered(app, caller, &[], None).await,
    }
}

async fn rendered<S: Store>(
    app: &App<S>,
    caller: &Caller,
    contacts: &[Contact],
    mut next_below: Option<Ordinal>,
) -> Result<Response, ApiError> {
    let mut body = b"{\"items\":[".to_vec();
    let mut last: Option<Ordinal> = None;
    for (contact, view) in contacts.iter().zip(views(&app.store, &caller.tenant, contacts).await?) {
        let item = serde_json::to_vec(&view).map_err(|e| store::StoreError::Malformed(e.to_string()))?;
        if let Some(last) = last {
            if body.len() + item.len() > PAGE_BYTES {
                next_below = Some(last);
                break;
            }
            body.push(b',');
        }
        body.extend(item);
        last = Some(contact.ordinal);
    }
    let token = next_below.map(|below| Cursor::token(&caller.tenant, CursorKind::Contacts, below));
    body.extend_from_slice(b"],\"next_cursor\":");
    match token {
        // A token is URL-safe base64 and needs no escapes.
        Some(token) => body.extend(format!("\"{token}\"}}").into_bytes()),
        None => body.extend_from_slice(b"null}"),
    }
    let json = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, json)], body).into_response())
}
