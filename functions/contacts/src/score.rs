use api::{ApiError, App, Caller, Location, PathText, Problem};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, SecondsFormat, Utc};
use model::Tier;
use model::scoring::{Cause, Entry, fold};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Store;

/// Of longer ledgers the oldest entries are shown as one, so that the answer stays under 4 MB.
const MAX_ENTRIES: usize = 10_000;

/// The score of a contact, and what made it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreView {
    /// The sum of the entries' points.
    score: i64,
    /// By the tenant's tiers: `hot` from 50 points on, `warm` from 20 on, else `cold`, unless it set
    /// others.
    #[schema(value_type = String, example = "warm")]
    tier: Tier,
    /// The version of the rules that made it: see `GET /scoring`. 0 are the defaults.
    rules_version: u64,
    /// When decay changes the score next, if no other event comes; null where it does not.
    changes_at: Option<String>,
    /// The oldest first.
    entries: Vec<EntryView>,
}

/// One change of the score; of no points where an event changed nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// The event; of decay that whose points went; null where older ones are put together.
    event_id: Option<String>,
    /// What happened; `decay` where time took points off, `carried` where older entries are put
    /// together.
    #[schema(example = "email.opened")]
    r#type: String,
    /// The rule that counted it; null where none did.
    #[schema(example = "opened")]
    rule: Option<String>,
    /// What the score changed by.
    points: i64,
    /// When it happened.
    occurred_at: String,
    /// What the score was then.
    after: i64,
}

/// Explains the score of a contact: the points of the entries sum to it.
#[utoipa::path(
    get,
    path = "/api/v1/contacts/{id}/score",
    tag = "contacts",
    params(("id" = String, Path, description = "The UUID, or the URL-encoded email")),
    responses(
        (status = 200, body = ScoreView),
        (status = 404, body = Problem, description = "`contact_not_found`"),
    )
)]
pub async fn explain<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
) -> Result<Json<ScoreView>, ApiError> {
    let contact = Location::parse(&id)?.find(&app.store, &caller).await?;
    let contact = contact.ok_or_else(|| ApiError::not_found("contact"))?;
    let facts = app.store.facts(caller.tenant.id, contact.id, None).await?;
    // Those that made the score: the contact's turn to be folded under newer ones may be to come.
    let version = match contact.fold.last {
        Some(_) => contact.fold.rules_version,
        None => caller.tenant.scoring.version,
    };
    let rules = app.store.rules(caller.tenant.id, version).await?;
    let folded = fold(&facts, &rules, contact.fold.decayed_to);
    // Not the contact's own: an event may have been recorded since it was read.
    let score = folded.score.points;
    let tier = caller.tenant.scoring.tiers.of(score);
    Ok(Json(ScoreView {
        score,
        tier,
        rules_version: version,
        changes_at: folded.score.fold.changes_at.as_ref().map(moment),
        entries: shown(folded.entries),
    }))
}

fn shown(entries: Vec<Entry>) -> Vec<EntryView> {
    let carried = entries.len().checked_sub(MAX_ENTRIES).map_or(0, |more| more + usize::from(more > 0));
    let last = carried.checked_sub(1).and_then(|last| entries.get(last));
    let carried_view = last.map(|last| EntryView {
        event_id: None,
        r#type: "carried".to_owned(),
        rule: None,
        points: last.after,
        occurred_at: moment(&last.occurred_at),
        after: last.after,
    });
    carried_view.into_iter().chain(entries.into_iter().skip(carried).map(view)).collect()
}

fn view(entry: Entry) -> EntryView {
    EntryView {
        event_id: Some(entry.event_id.to_string()),
        r#type: match entry.cause {
            Cause::Fact => entry.kind.to_string(),
            Cause::Decay => "decay".to_owned(),
        },
        rule: entry.rule.map(|rule| rule.to_string()),
        points: entry.points,
        occurred_at: moment(&entry.occurred_at),
        after: entry.after,
    }
}

pub(crate) fn moment(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
