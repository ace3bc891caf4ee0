use api::rule::Asked;
use api::{ApiError, App, Caller, JsonObject, Members, PathText, Problem};
use axum::Json;
use axum::extract::State;
use model::rule::Parsed;
use model::{Invalid, List, ListName};
use serde_json::Value;
use store::{Freshness, ListChange};

use crate::ListsStore;
use crate::input::{
    Kind, ListInput, ROUNDS, check_events, check_name, contended, events, found, name, set_timer,
};
use crate::rules::check;
use crate::view::{ListView, one};

/// What a patch asks for.
struct Wanted {
    name: Option<ListName>,
    kind: Option<Kind>,
    parsed: Option<Parsed>,
    events: Option<bool>,
}

/// Renames a list, gives a segment another rule, or has it told who enters and leaves it. Rules that name the list follow its name.
#[utoipa::path(
    patch,
    path = "/api/v1/lists/{id}",
    tag = "lists",
    params(("id" = String, Path, description = "The UUID, or the URL-encoded name")),
    request_body(content = ListInput, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = ListView),
        (status = 400, body = Problem, description = "The rule is not understood; each fault with its column or pointer"),
        (status = 404, body = Problem, description = "`list_not_found`"),
        (status = 409, body = Problem, description = "`list_exists`: another list has the name"),
        (status = 422, body = Problem, description = "Each fault with its pointer, as when a list is made"),
    )
)]
pub async fn patch<S: ListsStore>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
    body: JsonObject,
) -> Result<Json<ListView>, ApiError> {
    let wanted = wanted(body)?;
    for _ in 0..ROUNDS {
        let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
        let before = found(&book, &id)?;
        let mut list = List {
            name: wanted.name.clone().unwrap_or_else(|| before.name.clone()),
            events: wanted.events.unwrap_or(before.events),
            ..before.clone()
        };
        check_kind(&wanted, before)?;
        check_name(&book, &list)?;
        let mut after = book.as_ref().clone();
        after.put(list.clone());
        if let Some(parsed) = &wanted.parsed {
            list.rule = Some(after.kept(&parsed.rule));
            after.put(list.clone());
            check(&app, &caller, &after, &list, parsed).await?;
        }
        check_events(&after, &list)?;
        if list == *before {
            // Whoever made it so may have died before this.
            set_timer(&app, &caller, &book).await?;
            return Ok(Json(one(&app, &caller, &book, before).await?));
        }
        list.updated_at = app.now();
        after.put(list.clone());
        if app.store.change_lists(&caller.tenant, &book, ListChange::Replace(list.clone())).await? {
            set_timer(&app, &caller, &after).await?;
            return Ok(Json(one(&app, &caller, &after, &list).await?));
        }
    }
    Err(contended())
}

fn wanted(body: JsonObject) -> Result<Wanted, ApiError> {
    let nulls: Vec<&str> = ["name", "type", "query", "rule", "events"]
        .into_iter()
        .filter(|name| body.members.get(*name).is_some_and(Value::is_null))
        .collect();
    let has_rule =
        ["query", "rule"].iter().any(|name| body.members.get(*name).is_some_and(|rule| !rule.is_null()));
    let mut members = Members::new(body.members);
    let name = members.read("name", name);
    let kind = Kind::read(&mut members);
    let asked = Asked::read_any(&mut members);
    let events = events(&mut members);
    for cleared in nulls {
        // One spelling gives way to the other.
        if !(has_rule && ["query", "rule"].contains(&cleared)) {
            members
                .fault(cleared, Invalid::new("required", "this cannot be cleared; leave it out to keep it"));
        }
    }
    members.finish()?;
    let parsed = asked.ok().flatten().map(|asked| asked.parse()).transpose()?;
    Ok(Wanted { name, kind, parsed, events })
}

fn check_kind(wanted: &Wanted, list: &List) -> Result<(), ApiError> {
    let kind = Kind::of(list);
    if wanted.kind.is_some_and(|other| other != kind) {
        let detail = format!("this is a {} list and stays one; make another list", kind.as_str());
        return Err(ApiError::invalid_at("/type", Invalid::new("conflict", detail)));
    }
    if kind == Kind::Static && wanted.parsed.is_some() {
        let detail = "a static list has no rule; make a segment, or put contacts on it";
        return Err(ApiError::invalid_at("/query", Invalid::new("conflict", detail)));
    }
    Ok(())
}
