//! The function that scores: it takes engagement events off their queue, records them in the
//! ledgers of contacts, and keeps the score of each contact the fold of its ledger.
//!
//! Events of one contact in one batch are one write. A message may come twice, late, or after a
//! crash at any call: a fact is in the ledger once, and whatever the order, the score is the same.
//! Events of addresses that have no contact wait for one, or make one, as the tenant decided; the
//! stream of contacts tells when one appears.
//!
//! When a tenant publishes other rules, all its contacts are folded anew, range by range, by
//! messages of a queue of their own. Meanwhile each event folds its own contact under the new rules,
//! and nothing goes back to older ones.
//!
//! Where points decay, the clock calls [`take_steps`], which takes off what is due.

mod decay;
mod error;
mod message;
mod record;
mod refold;
mod release;
#[cfg(test)]
mod tests;
mod unknown;
mod usage;

use std::sync::Arc;
use std::time::Duration;

pub use decay::take_steps;
pub use error::ScoringError;
use model::{Tenant, TenantId};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use store::{
    Cache, Clock, ContactStore, FieldStore, LedgerStore, ParkedStore, RefoldQueue, RulesStore, StoreError,
    TenantStore, TimerStore, UsageStore,
};
use tracing::warn;

/// What a tenant decides shows after this at the latest.
const TENANTS_CACHED_FOR: Duration = Duration::from_secs(60);

/// Is a store of everything that scoring touches.
pub trait ScoringStore:
    ContactStore + LedgerStore + ParkedStore + TenantStore + FieldStore + RulesStore + UsageStore + TimerStore
{
}

impl<S> ScoringStore for S where
    S: ContactStore
        + LedgerStore
        + ParkedStore
        + TenantStore
        + FieldStore
        + RulesStore
        + UsageStore
        + TimerStore
{
}

/// Holds what the function works with.
#[derive(Debug, Clone)]
pub struct Deps<S> {
    store: S,
    clock: Clock,
    tenants: Cache<TenantId, Option<Arc<Tenant>>>,
}

impl<S: ScoringStore> Deps<S> {
    /// Starts with nothing known.
    pub fn new(store: S, clock: Clock) -> Self {
        let tenants = Cache::new(10_000).for_at_most(TENANTS_CACHED_FOR);
        Self { store, clock, tenants }
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        if let Some(tenant) = self.tenants.get(&id) {
            return Ok(tenant);
        }
        self.newest(id).await
    }

    /// Reads a tenant as it is, with the rules in force.
    async fn newest(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        let tenant = self.store.tenant(id).await?.map(Arc::new);
        // Not who is unknown: a tenant that was just made is known at once.
        if tenant.is_some() {
            self.tenants.insert(id, tenant.clone());
        }
        Ok(tenant)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sources {
    records: Vec<RecordSource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordSource {
    event_source: String,
}

/// Takes a batch of events from SQS, or of changes from the stream of contacts, and answers with
/// those that are to be delivered again.
///
/// Poison is acknowledged with a warning and never retried: what is no event, and events of a
/// tenant that does not exist.
///
/// # Errors
/// None that a message could cause; the answer could not be written.
pub async fn handle<S: ScoringStore>(deps: &Deps<S>, event: &RawValue) -> Result<Value, ScoringError> {
    let sources = serde_json::from_str::<Sources>(event.get()).map(|sources| sources.records);
    match sources.ok().as_deref().and_then(<[_]>::first).map(|first| first.event_source.as_str()) {
        Some("aws:sqs") => message::batch(deps, event).await,
        Some("aws:dynamodb") => release::batch(deps, event).await,
        _ => {
            warn!("ignored an event that is neither a batch from SQS nor one of a stream");
            Ok(Value::Null)
        }
    }
}

/// Takes what [`handle`] takes, and batches of contacts to fold anew, of which those that are left
/// over go into a queue.
///
/// # Errors
/// As of [`handle`].
pub async fn handle_all<S: ScoringStore>(
    deps: &Deps<S>,
    queue: &impl RefoldQueue,
    event: &RawValue,
) -> Result<Value, ScoringError> {
    if refold::is_asked(event) { refold::batch(deps, queue, event).await } else { handle(deps, event).await }
}
