//! Pages of a walk: of whom a rule meant when the first page was asked for.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use model::Ordinal;
use model::rule::Parsed;
use serde::{Deserialize, Serialize};
use store::{ContactSearch, FrozenStore, UsageKind, Walked};
use uuid::Uuid;

use super::found::{Found, question_of};
use super::{RuleStore, WarningView, bound_at, unanswered};
use crate::{ApiError, App, Caller, Cursor, CursorKind, Problem, page_items, page_limit};

/// Is where a page of a walk ended.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    /// Of the rule.
    question: String,
    now: DateTime<Utc>,
    /// Names those who are walked through.
    walk: Uuid,
    total: u64,
    below: u32,
}

/// Gives a page of whom a rule means, and with its cursor all others whom it means at this moment.
///
/// # Errors
/// 400 for what is not understood, 410 for a walk that takes over 24 hours, 422 for lists that there
/// are not and for a rule of which the index knows too little.
pub async fn walked<S: RuleStore + FrozenStore>(
    app: &App<S>,
    caller: &Caller,
    parsed: &Parsed,
    limit: Option<usize>,
    cursor: Option<&str>,
) -> Result<Found, ApiError> {
    let limit = page_limit(limit)?;
    let question = question_of(parsed, None);
    let place = cursor.map(|token| place(caller, token, &question)).transpose()?;
    // Nobody comes or goes because time passes between pages.
    let now = place.as_ref().map_or_else(|| app.now(), |place| place.now);
    let (rule, warnings) = bound_at(now, &app.store, caller, parsed).await?;
    let search = ContactSearch { store: &app.store, tenant: &caller.tenant };
    let matches = match &place {
        Some(_) => None,
        None => {
            let used = app.count(caller.tenant.id, UsageKind::Searches);
            let (matches, used) = tokio::join!(search.find(rule.clone(), None), used);
            used?;
            Some(matches.map_err(unanswered)?)
        }
    };
    let (walked, total, below) = match (&place, &matches) {
        (Some(place), _) => (Walked::Kept(place.walk), place.total, Some(Ordinal(place.below))),
        (None, Some(matches)) => (Walked::Found(matches), matches.total(), None),
        (None, None) => return Err(ApiError::malformed("no place")),
    };
    let page = search.walk_page(&rule, walked, below, limit).await?.ok_or_else(over)?;
    let (items, count) = page_items(&app.store, &caller.tenant, &page.contacts).await?;
    let last = if count < page.contacts.len() {
        page.contacts.get(..count).and_then(<[_]>::last).map(|contact| contact.ordinal)
    } else {
        page.next_below
    };
    let next_cursor = match (last, walked) {
        (None, _) => None,
        (Some(below), Walked::Kept(walk)) => Some((walk, below)),
        (Some(below), Walked::Found(matches)) => Some((search.keep(matches).await?, below)),
    };
    let next_cursor = next_cursor.map(|(walk, Ordinal(below))| {
        Cursor::token(&caller.tenant, CursorKind::Walk, Place { question, now, walk, total, below })
    });
    let warnings = warnings.into_iter().map(WarningView::from).collect();
    Ok(Found { items, total, next_cursor, warnings, is_preview: false })
}

fn place(caller: &Caller, token: &str, question: &str) -> Result<Place, ApiError> {
    let place: Place = Cursor::read(&caller.tenant, CursorKind::Walk, token)?;
    if place.question == question {
        return Ok(place);
    }
    let detail = "the cursor is of another list or of other contacts of it; start again without it";
    Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", detail).into())
}

fn over() -> ApiError {
    let detail = "the walk began over 24 hours ago; start again without the cursor";
    Problem::new(StatusCode::GONE, "cursor_expired", detail).into()
}
