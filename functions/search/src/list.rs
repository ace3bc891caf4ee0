use api::rule::{Asked, PageAsked, RuleStore, found};
use api::{
    ApiError, App, Caller, ContactView, Cursor, CursorKind, Problem, QueryParams, page_items, page_limit,
};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::{Contact, Email, Ordinal, Standing, Status};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

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
    /// The order, as in a search; the newest contacts come first if absent.
    #[param(example = "last_name")]
    sort: Option<String>,
    /// Only those of this status: `active`, `pending`, `unsubscribed` or `bounced`.
    status: Option<String>,
    /// Only those with this tag.
    tag: Option<String>,
}

impl ListParams {
    /// Gives the rule that is asked for, if the index is to answer.
    fn rule(&self) -> Result<Option<Value>, ApiError> {
        if self.sort.is_none() && self.status.is_none() && self.tag.is_none() {
            return Ok(None);
        }
        if self.email.is_some() {
            let detail = "`email` finds the one contact there is; leave out `sort`, `status` and `tag`";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "malformed_request", detail).into());
        }
        let mut all = vec![json!({"field": "email", "op": "exists"})];
        if let Some(status) = &self.status {
            if !Status::ALL.into_iter().any(|known| known.as_str() == status) {
                let known = Status::ALL.map(|known| format!("`{}`", known.as_str())).join(", ");
                let detail = format!("there is no status `{status}`; give one of {known}");
                return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_status", detail).into());
            }
            all.push(json!({"field": "status", "op": "is", "value": status}));
        }
        if let Some(tag) = &self.tag {
            all.push(json!({"field": "tags", "op": "has_any", "value": [tag]}));
        }
        Ok(Some(json!({ "all": all })))
    }
}

/// Some contacts, and where to go on.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is only a description; pages are written item by item")]
pub struct ContactList {
    items: Vec<ContactView>,
    /// How many there are on all pages; only with `sort`, `status` or `tag`.
    #[schema(required = false)]
    total: u64,
    /// None at the end.
    next_cursor: Option<String>,
}

/// Lists contacts, the newest block first: all of them at once as they are, and with `sort`, `status` or
/// `tag` as far as the index has followed. What is created meanwhile does not move the others.
#[utoipa::path(
    get,
    path = "/api/v1/contacts",
    tag = "contacts",
    params(ListParams),
    responses((status = 200, body = ContactList), (status = 400, body = Problem), (status = 410, body = Problem))
)]
pub async fn list<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Response, ApiError> {
    if let Some(rule) = params.rule()? {
        let ListParams { limit, cursor, sort, .. } = params;
        let asked = Asked::Tree(rule).parse()?;
        return Ok(found(&app, &caller, &asked, PageAsked { sort, limit, cursor }).await?.into_response());
    }
    if let Some(email) = &params.email {
        return one(&app, &caller, email).await;
    }
    let limit = page_limit(params.limit)?;
    let below =
        params.cursor.as_deref().map(|token| Cursor::read(&caller.tenant, CursorKind::Contacts, token));
    let page = app.store.page(&caller.tenant, below.transpose()?, limit).await?;
    rendered(&app, &caller, &page.contacts, page.next_below).await
}

async fn one<S: RuleStore>(app: &App<S>, caller: &Caller, email: &str) -> Result<Response, ApiError> {
    let Ok(email) = Email::parse(email) else { return rendered(app, caller, &[], None).await };
    match app.store.standings(&caller.tenant, &[email]).await?.pop() {
        Some(Standing::Held(contact)) => rendered(app, caller, &[*contact], None).await,
        _ => rendered(app, caller, &[], None).await,
    }
}

async fn rendered<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    contacts: &[Contact],
    next_below: Option<Ordinal>,
) -> Result<Response, ApiError> {
    let (mut body, count) = page_items(&app.store, &caller.tenant, contacts).await?;
    let is_cut = count < contacts.len();
    let last = contacts.get(..count).and_then(|shown| shown.last()).map(|contact| contact.ordinal);
    let next_below = if is_cut { last } else { next_below };
    let token = next_below.map(|below| Cursor::token(&caller.tenant, CursorKind::Contacts, below));
    body.splice(..0, *b"{\"items\":");
    body.extend(format!(",\"next_cursor\":{}}}", json!(token)).into_bytes());
    let json = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, json)], body).into_response())
}
