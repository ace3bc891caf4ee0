use std::collections::BTreeMap;

use api::rule::{Asked, RuleStore, bound_at, unanswered};
use api::{ApiError, App, Caller, Cursor, CursorKind, JsonObject, Members, PathText, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use index::SortKey;
use model::rule::Parsed;
use model::{Contact, Invalid, ListId, Ordinal};
use serde::{Deserialize, Serialize};
use store::{ContactSearch, Edited, Freshness, ListEdit, ListEditor, NotEdited, contacts_named};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::input::{Kind, found};
use crate::{ListsStore, jobs};

/// Most contacts that one call puts on a list or takes off it.
const MAX_ITEMS: usize = 1_000;

/// Whom to put on a static list, and whom to take off it.
#[derive(ToSchema)]
#[schema(as = MembersInput)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct MembersInput {
    /// Ids and emails to put on the list; with `remove` at most 1,000, unless `background` is given.
    add: Option<Vec<String>>,
    /// Ids and emails to take off it, after that.
    remove: Option<Vec<String>>,
    /// A rule: everybody whom it means now is put on the list. `list:A OR list:B` is a union of lists,
    /// `list:A AND list:B` what they have in common, `list:A AND NOT list:B` the difference.
    #[schema(example = "list:Newsletter AND NOT list:Customers")]
    add_query: Option<String>,
    /// A rule: everybody whom it means now is taken off the list. Not together with `add_query`.
    remove_query: Option<String>,
    /// Where the previous call ended: one call changes at most 1,000 contacts that a rule means, and
    /// gives a `next_cursor` for the same call again where there are more.
    cursor: Option<String>,
    /// Whether all of it goes on behind the API, however many contacts that are: it begins within a
    /// minute, and the answer is a job to follow. Whom the rule means is settled by the answer.
    background: Option<bool>,
}

/// What became of one contact that was named.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberResult {
    /// `add` or `remove`.
    #[schema(example = "add")]
    op: &'static str,
    /// Its place in that list.
    index: usize,
    /// 200, or the status that it alone would have had.
    status: u16,
    /// The contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// Whether the contact was put on the list or taken off it by this; false where it was so before.
    changed: bool,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// What became of a change of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembersChanged {
    /// Of each contact that was named, first those of `add`, in their order.
    results: Vec<MemberResult>,
    /// Contacts that are on the list now and were not.
    added: usize,
    /// Contacts that are no longer on the list.
    removed: usize,
    /// Contacts for which it was so before.
    unchanged: usize,
    /// Contacts for which it failed.
    failed: usize,
    /// Contacts that the rule means and that are left for further calls.
    remaining: u64,
    /// Send the same again with this `cursor` until it is null.
    next_cursor: Option<String>,
}

/// Is where a call ended.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    list: ListId,
    /// The rule, and which way.
    query: String,
    now: DateTime<Utc>,
    after: Option<u32>,
}

/// Holds some of the contacts that a rule means.
struct Meant {
    contacts: Vec<Contact>,
    remaining: u64,
    next: Option<Place>,
}

/// Is what a call asks for.
pub(crate) struct Wanted {
    pub(crate) add: Vec<String>,
    pub(crate) remove: Vec<String>,
    pub(crate) query: Option<(ListEdit, Parsed)>,
    cursor: Option<String>,
    background: bool,
}

/// Puts contacts on a static list, and takes others off it, each by itself: named ones, and all that
/// a rule means at this moment. To do the same twice is to do it once.
#[utoipa::path(
    post,
    path = "/api/v1/lists/{id}/contacts",
    tag = "lists",
    params(("id" = String, Path, description = "The UUID, or the URL-encoded name")),
    request_body = MembersInput,
    responses(
        (status = 200, body = MembersChanged, description = "Each contact that was named has a result of its own"),
        (status = 202, body = jobs::JobView, description = "With `background`: `Location` tells where to follow it"),
        (status = 400, body = Problem, description = "The rule is not understood; each fault with its column"),
        (status = 404, body = Problem, description = "`list_not_found`"),
        (status = 409, body = Problem, description = "`list_is_dynamic`: the members of a segment follow its rule; `too_many_jobs`"),
        (status = 422, body = Problem, description = "Over 1,000 contacts are named, or nothing is asked for"),
    )
)]
pub async fn change<S: ListsStore>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
    body: JsonObject,
) -> Result<Response, ApiError> {
    let wanted = wanted(body)?;
    let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
    let list = found(&book, &id)?;
    if Kind::of(list) == Kind::Dynamic {
        let detail = format!("`{}` is a segment: its rule says who is in it; change that", list.name);
        return Err(ApiError::conflict("list_is_dynamic", detail, None));
    }
    if wanted.background {
        return jobs::start(&app, &caller, list.id, wanted).await;
    }
    let editor = ListEditor::new(&app.store, &caller.tenant, &book, list.number);
    let mut changed = MembersChanged {
        results: Vec::new(),
        added: 0,
        removed: 0,
        unchanged: 0,
        failed: 0,
        remaining: 0,
        next_cursor: None,
    };
    // Before anything is changed: a rule that names this very list means whom it meant before.
    let meant = match &wanted.query {
        Some((edit, parsed)) => {
            let query = format!("{} {}", edit.as_str(), parsed.rule);
            let start = Place { list: list.id, query, now: app.now(), after: None };
            let place = resumed(&caller, start, wanted.cursor.as_deref())?;
            let page = meant(&app, &caller, parsed, place).await?;
            changed.remaining = page.remaining;
            changed.next_cursor =
                page.next.map(|place| Cursor::token(&caller.tenant, CursorKind::Members, place));
            Some((*edit, page.contacts))
        }
        None => None,
    };
    for (edit, texts) in [(ListEdit::Add, wanted.add), (ListEdit::Remove, wanted.remove)] {
        let results = change_named(&app, &caller, &editor, edit, &texts).await?;
        changed.count(edit, results.iter().map(|(_, result)| result.as_ref().ok().copied()));
        let results = results.into_iter().enumerate();
        changed
            .results
            .extend(results.map(|(index, (id, result))| MemberResult::of(edit, index, id, result)));
    }
    if let Some((edit, contacts)) = meant {
        let results = results(editor.edit(edit, contacts, app.now()).await);
        changed.count(edit, results.iter().map(|result| result.as_ref().ok().copied()));
    }
    Ok(Json(changed).into_response())
}

fn wanted(body: JsonObject) -> Result<Wanted, ApiError> {
    let mut members = Members::new(body.members);
    let add: Vec<String> = members.parse("add").unwrap_or_default();
    let remove: Vec<String> = members.parse("remove").unwrap_or_default();
    let [add_query, remove_query] = ["add_query", "remove_query"].map(|name| members.parse::<String>(name));
    let cursor = members.parse("cursor");
    let background: bool = members.parse("background").unwrap_or_default();
    if add.len() + remove.len() > MAX_ITEMS && !background {
        let detail =
            format!("a call names at most {MAX_ITEMS} contacts, unless it is done in the `background`");
        members.fault("add", Invalid::new("too_many_items", detail));
    }
    if add_query.is_some() && remove_query.is_some() {
        members.fault("remove_query", Invalid::new("conflict", "give one rule a call"));
    }
    if add_query.is_none() && remove_query.is_none() && cursor.is_some() {
        members.fault(
            "cursor",
            Invalid::new("conflict", "a cursor goes with the rule of the call that gave it"),
        );
    }
    if background && cursor.is_some() {
        members.fault("cursor", Invalid::new("conflict", "in the background all of it is done at once"));
    }
    let is_nothing = add.is_empty() && remove.is_empty() && add_query.is_none() && remove_query.is_none();
    let errors = members.into_errors();
    if !errors.is_empty() {
        return Err(ApiError::invalid(errors));
    }
    if is_nothing {
        let detail = "give `add`, `remove`, `add_query` or `remove_query`";
        return Err(ApiError::invalid_at("/add", Invalid::new("required", detail)));
    }
    let query = match (add_query, remove_query) {
        (Some(query), _) => Some((ListEdit::Add, parsed(query, "/add_query")?)),
        (None, Some(query)) => Some((ListEdit::Remove, parsed(query, "/remove_query")?)),
        (None, None) => None,
    };
    Ok(Wanted { add, remove, query, cursor, background })
}

fn parsed(query: String, pointer: &str) -> Result<Parsed, ApiError> {
    Asked::Query(query).parse().map_err(|error| pointed(error, pointer))
}

/// Tells the faults of a rule where this body has it.
fn pointed(error: ApiError, pointer: &str) -> ApiError {
    match error {
        ApiError::Problem(mut problem) => {
            problem.errors.iter_mut().for_each(|error| pointer.clone_into(&mut error.pointer));
            ApiError::Problem(problem)
        }
        ApiError::Store(error) => ApiError::Store(error),
    }
}

/// Goes on where a cursor says, if it is of the same list and rule.
fn resumed(caller: &Caller, start: Place, token: Option<&str>) -> Result<Place, ApiError> {
    let Some(token) = token else { return Ok(start) };
    let place: Place = Cursor::read(&caller.tenant, CursorKind::Members, token)?;
    if place.list == start.list && place.query == start.query {
        return Ok(place);
    }
    let detail = "the cursor is of another list or rule; start again without it";
    Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", detail).into())
}

/// Gives some of the contacts that a rule means, and where to go on.
async fn meant<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    parsed: &Parsed,
    place: Place,
) -> Result<Meant, ApiError> {
    let (rule, _) = bound_at(place.now, &app.store, caller, parsed).await?;
    let search = ContactSearch { store: &app.store, tenant: &caller.tenant };
    let matches = search.find(rule, None).await.map_err(unanswered)?;
    let after = place.after.map(|ordinal| SortKey { value: None, ordinal });
    let page = search.page(&matches, after, MAX_ITEMS).await.map_err(unanswered)?;
    let contacts = page.contacts.into_iter().map(|(_, contact)| contact).collect();
    let last = page.next_after.map(|last| last.ordinal);
    let remaining = last.map_or(0, |last| matches.older_than(Ordinal(last)));
    let next = last.map(|last| Place { after: Some(last), ..place });
    Ok(Meant { contacts, remaining, next })
}

type NamedResult = (Option<Uuid>, Result<bool, ApiError>);

/// Changes the contacts that texts name; of one that is named twice both tell the same.
async fn change_named<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    editor: &ListEditor<'_, S>,
    edit: ListEdit,
    texts: &[String],
) -> Result<Vec<NamedResult>, ApiError> {
    let mut contacts: BTreeMap<Ordinal, Contact> = BTreeMap::new();
    let mut places: Vec<Result<(Ordinal, Uuid), ApiError>> = Vec::with_capacity(texts.len());
    for contact in contacts_named(&app.store, &caller.tenant, texts).await? {
        places.push(contact.ok_or_else(|| ApiError::not_found("contact")).map(|contact| {
            let place = (contact.ordinal, contact.id.as_uuid());
            contacts.insert(contact.ordinal, contact);
            place
        }));
    }
    let ordinals: Vec<Ordinal> = contacts.keys().copied().collect();
    let results = results(editor.edit(edit, contacts.into_values().collect(), app.now()).await);
    let results = results.into_iter().map(|result| result.map_err(|error| Box::new(error.to_problem())));
    let results: BTreeMap<Ordinal, Result<bool, Box<Problem>>> = ordinals.into_iter().zip(results).collect();
    let result = |place: Result<(Ordinal, Uuid), ApiError>| match place {
        Ok((ordinal, id)) => {
            let result = results.get(&ordinal).cloned().unwrap_or(Ok(false));
            (Some(id), result.map_err(ApiError::Problem))
        }
        Err(error) => (None, Err(error)),
    };
    Ok(places.into_iter().map(result).collect())
}

/// Says what became of contacts in the words of the API.
fn results(edited: Edited) -> Vec<Result<bool, ApiError>> {
    // Told once for all of them.
    let failure = edited.failure.map(|failure| ApiError::from(failure).to_problem());
    let error = |reason| match reason {
        NotEdited::Refused(invalid) => ApiError::invalid_at("", invalid),
        NotEdited::Gone => ApiError::not_found("contact"),
        NotEdited::Store(error) => error.into(),
        NotEdited::Unknown => failure.clone().map_or_else(ApiError::contended, ApiError::from),
        NotEdited::Contended => ApiError::contended(),
    };
    edited.results.into_iter().map(|result| result.map_err(error)).collect()
}

impl MemberResult {
    fn of(edit: ListEdit, index: usize, id: Option<Uuid>, result: Result<bool, ApiError>) -> Self {
        let op = edit.as_str();
        match result {
            Ok(changed) => Self { op, index, status: 200, id, changed, error: None },
            Err(error) => {
                let problem = error.to_problem();
                Self { op, index, status: problem.status, id, changed: false, error: Some(problem) }
            }
        }
    }
}

impl MembersChanged {
    fn count(&mut self, edit: ListEdit, results: impl Iterator<Item = Option<bool>>) {
        for result in results {
            match (result, edit) {
                (Some(true), ListEdit::Add) => self.added += 1,
                (Some(true), ListEdit::Remove) => self.removed += 1,
                (Some(false), _) => self.unchanged += 1,
                (None, _) => self.failed += 1,
            }
        }
    }
}
