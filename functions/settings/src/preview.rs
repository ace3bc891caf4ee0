//! What other scoring rules would make of the contacts: tiers before and after. Nothing is changed.

use std::time::Duration;

use api::{ApiError, Caller, JsonObject, Problem};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use model::scoring::{ScoringRules, Tiers, fold};
use model::{Contact, Ordinal, Tenant, Tier};
use serde::Serialize;
use store::{Consistency, StoreError};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::scoring::{in_force, proposed};
use crate::scoring_view::ScoringInput;
use crate::{Deps, Store, Sweeps};

/// An answer has to come within the half minute that API Gateway waits.
const TIME: Duration = Duration::from_secs(15);
/// Ordinals that are read together: a chunk of the directory.
const CHUNK: u32 = 24;
/// Chunks that are read together.
const CHUNKS: usize = 20;
/// How many ledgers are read side by side.
const AT_ONCE: usize = 32;
/// Takes chunks out of their order, so that those that are read first are of all ages: a prime, and
/// so without a common divisor with any number of chunks but its own multiples.
const STRIDE: u64 = 2_654_435_761;

/// What other rules would make of the contacts.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct PreviewView {
    /// How many contacts were looked at.
    contacts: u64,
    /// Whether these are all. Of tenants with more contacts than can be looked at in a quarter of a
    /// minute it is a sample of all ages; then both histograms count the sample alone.
    exact: bool,
    /// How many contacts would have another score.
    changed: u64,
    /// How many are in each tier under the rules and tiers in force.
    before: Histogram,
    /// How many would be.
    after: Histogram,
}

/// Counts contacts by their tiers.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Histogram {
    hot: u64,
    warm: u64,
    cold: u64,
}

impl Histogram {
    fn count(&mut self, tier: Tier) {
        match tier {
            Tier::Hot => self.hot += 1,
            Tier::Warm => self.warm += 1,
            Tier::Cold => self.cold += 1,
        }
    }
}

/// Tells how many contacts would be in which tier if scoring rules and tiers were replaced. Changes
/// nothing.
#[utoipa::path(
    post,
    path = "/api/v1/scoring/preview",
    tag = "scoring",
    request_body = ScoringInput,
    responses(
        (status = 200, body = PreviewView),
        (status = 422, body = Problem, description = "Each fault with its pointer"),
    )
)]
pub async fn preview<S: Store, Q: Sweeps>(
    State(deps): State<Deps<S, Q>>,
    caller: Caller,
    body: JsonObject,
) -> Result<Json<PreviewView>, ApiError> {
    let (tenant, before) = in_force(&deps.app.store, &caller).await?;
    let after = proposed(&deps, &tenant, body.members).await?;
    let both = Both { tiers: tenant.scoring.tiers, before: &before, after: &after };
    Ok(Json(look(&deps.app.store, &tenant, &both, deps.app.now(), TIME).await?))
}

/// What is compared.
pub(crate) struct Both<'r> {
    pub(crate) tiers: Tiers,
    pub(crate) before: &'r ScoringRules,
    pub(crate) after: &'r ScoringRules,
}

/// Looks at all contacts, or at as many as there is time for.
pub(crate) async fn look<S: Store>(
    store: &S,
    tenant: &Tenant,
    both: &Both<'_>,
    now: DateTime<Utc>,
    time: Duration,
) -> Result<PreviewView, StoreError> {
    let began = Instant::now();
    let ordinals = store.ordinals(tenant).await?.0;
    let chunks = u64::from(ordinals.div_ceil(CHUNK));
    let mut view = PreviewView { exact: true, ..PreviewView::default() };
    let order: Vec<u32> = (0..chunks).map(|n| nth(n, chunks)).collect();
    for some in order.chunks(CHUNKS) {
        if began.elapsed() > time {
            view.exact = false;
            break;
        }
        let wanted = some.iter().flat_map(|chunk| chunk * CHUNK..((chunk + 1) * CHUNK).min(ordinals));
        let wanted: Vec<Ordinal> = wanted.map(Ordinal).collect();
        let contacts = store.by_ordinals(tenant, &wanted, Consistency::Eventual).await?;
        let scores =
            stream::iter(contacts.into_iter().map(|contact| scores(store, tenant, contact, both, now)));
        let mut scores = scores.buffer_unordered(AT_ONCE);
        while let Some(found) = scores.next().await {
            let (before, after) = found?;
            view.contacts += 1;
            view.changed += u64::from(before != after);
            view.before.count(both.tiers.of(before));
            view.after.count(both.after.tiers.of(after));
        }
    }
    Ok(view)
}

/// Gives the chunk that is looked at as number `n` of so many: each once.
fn nth(n: u64, chunks: u64) -> u32 {
    let stride = if chunks.is_multiple_of(STRIDE) { 1 } else { STRIDE };
    (n * stride % chunks) as u32
}

/// Gives the score of a contact under both rules. Who has no events has the same.
async fn scores<S: Store>(
    store: &S,
    tenant: &Tenant,
    contact: Contact,
    both: &Both<'_>,
    now: DateTime<Utc>,
) -> Result<(i64, i64), StoreError> {
    let is_settled = contact.fold.rules_version == both.before.version;
    let is_same = both.after.scores_like(both.before);
    if contact.fold.last.is_none() || (is_settled && is_same) {
        return Ok((contact.score, contact.score));
    }
    let facts = store.facts(tenant.id, contact.id, None).await?;
    let under = |rules: &ScoringRules| fold(&facts, rules, contact.fold.decayed_by(rules, now)).score.points;
    let before = if is_settled { contact.score } else { under(both.before) };
    Ok((before, under(both.after)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_chunk_has_its_turn_and_the_first_ones_are_of_all_ages() {
        for chunks in [1, 2, 24, 1_000, 41_667] {
            let all: BTreeSet<u32> = (0..chunks).map(|n| nth(n, chunks)).collect();
            assert_eq!(all.len() as u64, chunks);
        }
        let first: Vec<u32> = (0..100).map(|n| nth(n, 41_667) / 4_167).collect();
        for tenth in 0..10 {
            assert!(first.iter().filter(|other| **other == tenth).count() >= 5, "{first:?}");
        }
    }
}
