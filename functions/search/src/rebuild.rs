//! Building the search index anew beside the one that is in use, step by step.
//!
//! What is done next follows from the tenant's own item alone, so that whoever calls may die, and
//! anybody goes on. A step takes no longer than an audit of a piece does.

use api::{ApiError, App, Caller, JsonObject, Members, Problem};
use axum::Json;
use axum::extract::State;
use index::{Block, IndexedFields, Writer, clear};
use model::{Building, Generations, Retiring, Tenant};
use serde::Serialize;
use store::{ContactFacts, TENANTS_KNOWN_IN_S, generation};
use utoipa::ToSchema;

use api::rule::RuleStore;

use crate::audit::unfinished;

/// A writer whose clock is behind by so much begins no later than the building does.
const CLOCKS_DIFFER_BY_S: u64 = 5;

/// A request that began by what it knew of before ends within this, as the API's longest does.
const READS_END_IN_S: u64 = 60;

/// Items of the previous index that are removed in a step.
const REMOVED_AT_ONCE: usize = 10_000;

/// Ordinals of a slab.
const SLAB: u32 = 1 << 18;

/// What to do.
#[derive(ToSchema)]
#[schema(as = IndexRebuildInput)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct RebuildInput {
    /// Whether to begin a rebuild where none is under way; else only one that is under way goes on.
    #[schema(example = true)]
    begin: Option<bool>,
}

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RebuildPhase {
    /// Writers learn that there will be another index.
    Announced,
    /// It is being built, while everybody writes it, too.
    Building,
    /// It is in use, and readers learn of it.
    Switched,
    /// The previous one is being removed.
    Removing,
    /// None is under way.
    Idle,
}

/// What one step of a rebuild did.
#[derive(Debug, Serialize, ToSchema)]
pub struct IndexRebuild {
    /// How far it is now.
    phase: RebuildPhase,
    /// Seconds until the next step has anything to do.
    wait_s: u64,
    /// Where the next piece begins.
    next: u32,
    /// Where the last piece ends, as far as is known now.
    end: u32,
    /// Contacts that this step wrote to the new index.
    contacts: u64,
    /// Items of the previous index that this step removed.
    removed: u64,
}

/// Goes one step on with building the search index of the tenant anew. The one in use stays right
/// and is searched until the new one is complete. It is called until `phase` is `idle`.
///
/// Done again, or by several at once, it does no harm.
#[utoipa::path(
    post,
    path = "/api/v1/index/rebuild",
    tag = "search",
    request_body = RebuildInput,
    responses((status = 200, body = IndexRebuild), (status = 422, body = Problem))
)]
pub async fn rebuild<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    body: JsonObject,
) -> Result<Json<IndexRebuild>, ApiError> {
    let mut members = Members::new(body.members);
    let begins = members.parse("begin").unwrap_or(false);
    members.finish()?;
    // Not as it is cached: the next step follows from it.
    let tenant = app.store.tenant(caller.tenant.id).await?.ok_or_else(|| ApiError::not_found("tenant"))?;
    let now = app.now().timestamp().try_into().unwrap_or_default();
    let end = app.store.ordinals(&tenant).await?.0;
    let mut step = Step { store: &app.store, tenant: &tenant, now, end, contacts: 0, removed: 0 };
    let after = step.take(begins).await?;
    let Step { contacts, removed, .. } = step;
    let is_changed = after != tenant.generations;
    // Where somebody else went on meanwhile, the next call goes on from there.
    if is_changed && app.store.save_generations(tenant.id, &tenant.generations, &after).await? {
        tracing::info!(
            tenant.id = %tenant.id, index.current = after.current, index.contacts = contacts, index.removed = removed,
            index.phase = ?phase(&after, now).0, "went on with building an index anew"
        );
    }
    let (phase, wait_s) = phase(&after, now);
    let next = after.building.map_or(end, |building| building.next.min(end));
    Ok(Json(IndexRebuild { phase, wait_s, next, end, contacts, removed }))
}

struct Step<'a, S> {
    store: &'a S,
    tenant: &'a Tenant,
    now: u64,
    end: u32,
    contacts: u64,
    removed: u64,
}

impl<S: RuleStore> Step<'_, S> {
    /// Does what is next, and gives how that leaves the generations.
    async fn take(&mut self, begins: bool) -> Result<Generations, ApiError> {
        let generations = self.tenant.generations;
        let (phase, wait_s) = phase(&generations, self.now);
        let after = match (generations.building, generations.retiring) {
            _ if wait_s > 0 => None,
            (Some(building), _) if building.next < self.end => self.build(building).await?,
            (Some(_), _) => generations.switch(self.now, TENANTS_KNOWN_IN_S),
            (None, Some(retiring)) => self.remove(retiring).await?,
            (None, None) if begins && phase == RebuildPhase::Idle => {
                generations.begin(self.now, TENANTS_KNOWN_IN_S)
            }
            (None, None) => None,
        };
        Ok(after.unwrap_or(generations))
    }

    async fn build(&mut self, building: Building) -> Result<Option<Generations>, ApiError> {
        let block = Block::container(building.next);
        let facts = ContactFacts { store: self.store, tenant: self.tenant };
        let writer = Writer::new(self.store, &facts, generation(self.tenant, building.number));
        let built = writer.build(block, &IndexedFields::of_contacts(), &[]).await;
        self.contacts = built.map_err(unfinished)?;
        Ok(self.tenant.generations.built(block.ordinals().end().saturating_add(1)))
    }

    async fn remove(&mut self, retiring: Retiring) -> Result<Option<Generations>, ApiError> {
        let old = generation(self.tenant, retiring.number);
        let slabs = self.end.div_ceil(SLAB) as u16;
        let fields = IndexedFields::of_contacts();
        let removed = clear(self.store, old, &fields, slabs, REMOVED_AT_ONCE).await?;
        self.removed = removed as u64;
        Ok((removed < REMOVED_AT_ONCE).then(|| self.tenant.generations.finish()))
    }
}

/// Tells how far a rebuild is, and how long to wait before it goes on.
fn phase(generations: &Generations, now: u64) -> (RebuildPhase, u64) {
    match (generations.building, generations.retiring) {
        (Some(Building { since, .. }), _) => match (since + CLOCKS_DIFFER_BY_S).saturating_sub(now) {
            0 => (RebuildPhase::Building, 0),
            wait_s => (RebuildPhase::Announced, wait_s),
        },
        (None, Some(Retiring { until, .. })) => match (until + READS_END_IN_S).saturating_sub(now) {
            0 => (RebuildPhase::Removing, 0),
            wait_s => (RebuildPhase::Switched, wait_s),
        },
        (None, None) => (RebuildPhase::Idle, 0),
    }
}

#[cfg(test)]
mod tests;
