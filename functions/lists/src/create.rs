use api::rule::Asked;
use api::{Answer, ApiError, App, Caller, IdempotencyKey, JsonObject, Members, Problem, once};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use model::rule::Parsed;
use model::{Invalid, List, ListBook, ListId, ListName, MAX_LISTS};
use store::{Freshness, ItemOutcome, ListChange, Outcome, RequestKey};
use uuid::Uuid;

use crate::ListsStore;
use crate::input::{
    Kind, ListInput, ROUNDS, check_events, check_name, contended, events, found, name, set_timer,
};
use crate::rules::check;
use crate::view::{ListView, one};

/// A key may be used again after this.
const REQUESTS_REMEMBERED_FOR: TimeDelta = TimeDelta::hours(24);

/// Makes a static list, or a segment: a rule that says who is in it at every moment.
#[utoipa::path(
    post,
    path = "/api/v1/lists",
    tag = "lists",
    params(("Idempotency-Key" = Option<String>, Header, description = "Sends the same request again safely, for 24 hours")),
    request_body = ListInput,
    responses(
        (status = 201, body = ListView),
        (status = 400, body = Problem, description = "The rule is not understood; each fault with its column or pointer"),
        (status = 409, body = Problem, description = "`list_exists`: another list has the name"),
        (status = 422, body = Problem, description = "Each fault with its pointer: a field or list that there is not, a segment that is part of its own rule (`segment_cycle`), over 1,000 lists (`too_many_lists`)"),
    )
)]
pub async fn create<S: ListsStore>(
    State(app): State<App<S>>,
    caller: Caller,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Response, ApiError> {
    let key = key.request(&caller, &body.bytes);
    let id = ListId(key.as_ref().map_or_else(Uuid::new_v4, own_id));
    let wanted = wanted(body)?;
    let act = async || {
        let (book, list) = insert(&app, &caller, id, wanted).await?;
        set_timer(&app, &caller, &book).await?;
        let response = created(&app, &caller, &book, &list).await?;
        let whole = ItemOutcome { status: 201, id: Some(list.id.0), code: None };
        Ok(Answer { response, outcome: Outcome { whole, items: Vec::new() } })
    };
    let replay = async |outcome: Outcome| {
        let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
        let id = outcome.whole.id.unwrap_or_default().to_string();
        created(&app, &caller, &book, found(&book, &id)?).await
    };
    once(&app.store, key, act, replay).await
}

/// Is the list that a body asks for.
struct Wanted {
    name: ListName,
    parsed: Option<Parsed>,
    events: bool,
}

/// Gives the id of the list that a request makes, the same each time it is sent: whoever sends it
/// again because it died then finds its own list.
fn own_id(key: &RequestKey) -> Uuid {
    let pairs = key.mark().into_iter().zip(key.tenant.0.into_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(pairs).for_each(|(to, (mark, tenant))| *to = mark ^ tenant);
    Uuid::new_v8(bytes)
}

fn wanted(body: JsonObject) -> Result<Wanted, ApiError> {
    let mut members = Members::new(body.members);
    let name = members
        .require("name")
        .and_then(|value| name(value).map_err(|invalid| members.fault("name", invalid)).ok());
    let kind = Kind::read(&mut members);
    let asked = Asked::read_any(&mut members);
    let events = events(&mut members).unwrap_or_default();
    match (kind, &asked) {
        (Some(Kind::Static), Ok(Some(_))) => {
            members.fault(
                "type",
                Invalid::new("conflict", "a static list has no rule; leave it out, or give `dynamic`"),
            );
        }
        (Some(Kind::Dynamic), Ok(None)) => {
            members.fault("query", Invalid::new("required", "give a `query`, or a `rule` instead"));
        }
        (None, Ok(None)) => {
            let detail = "give `static`, or `dynamic` with a `query` or a `rule`";
            members.fault("type", Invalid::new("required", detail));
        }
        _ => {}
    }
    members.finish()?;
    let name = name.ok_or_else(|| ApiError::malformed("no name"))?;
    let parsed = asked.ok().flatten().map(|asked| asked.parse()).transpose()?;
    Ok(Wanted { name, parsed, events })
}

async fn insert<S: ListsStore>(
    app: &App<S>,
    caller: &Caller,
    mut id: ListId,
    Wanted { name, parsed, events }: Wanted,
) -> Result<(ListBook, List), ApiError> {
    for _ in 0..ROUNDS {
        let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
        match book.iter().find(|list| list.id == id) {
            Some(own) if app.now() - own.created_at < REQUESTS_REMEMBERED_FOR => {
                let own = own.clone();
                return Ok((book.as_ref().clone(), own));
            }
            // The key was used for another list, longer ago than keys are remembered.
            Some(_) => id = ListId(Uuid::new_v4()),
            None => {}
        }
        if book.count() >= MAX_LISTS {
            let detail = format!("a tenant has at most {MAX_LISTS} lists; delete one that nobody uses");
            return Err(ApiError::invalid_at("", Invalid::new("too_many_lists", detail)));
        }
        let now = app.now();
        let mut list = List {
            id,
            number: book.next_number(),
            name: name.clone(),
            rule: None,
            events,
            created_at: now,
            updated_at: now,
        };
        check_name(&book, &list)?;
        let mut after = book.as_ref().clone();
        if let Some(parsed) = &parsed {
            // First with the rule as it was given: it may name this very segment.
            list.rule = Some(parsed.rule.clone());
            after.put(list.clone());
            list.rule = Some(after.kept(&parsed.rule));
            after.put(list.clone());
            check(app, caller, &after, &list, parsed).await?;
        } else {
            after.put(list.clone());
        }
        check_events(&after, &list)?;
        if app.store.change_lists(&caller.tenant, &book, ListChange::Insert(list.clone())).await? {
            return Ok((after, list));
        }
    }
    Err(contended())
}

async fn created<S: ListsStore>(
    app: &App<S>,
    caller: &Caller,
    book: &ListBook,
    list: &List,
) -> Result<Response, ApiError> {
    let view: ListView = one(app, caller, book, list).await?;
    let location = format!("/api/v1/lists/{}", list.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(view)).into_response())
}
