//! The indexer: from the stream of the contacts table to the search index.
//!
//! A batch holds records of several tenants, each tenant's in order. What of a tenant's cannot be
//! applied is reported by its first record, so that the stream delivers from there on again; what
//! was applied already is the same when it is applied again. What is in the index is told on the bus,
//! at least once, by events whose ids are the same each time. Last come the segments whose
//! transitions are told: what a tick finds in the index then is never behind what was decided here.

mod change;
mod error;
mod events;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use index::{Change, Writer};
use model::{Tenant, TenantId};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use store::{
    Cache, Clock, ContactFacts, ContactRecord, DomainEvent, DomainEventBus, SegmentWatch, StoreError,
    TenantStore, WatchStore, is_indexed_by_import, written_generations,
};
use tracing::{debug, error, warn};

pub use error::IndexerError;

/// Tenants change rarely, and a new build of an index waits until everybody knows of it.
const TENANTS_CACHED_FOR: Duration = Duration::from_secs(60);

/// Is what the indexer needs of a store.
pub trait Store: WatchStore + TenantStore {}

impl<S: WatchStore + TenantStore> Store for S {}

/// Holds what the handler works with.
#[derive(Debug)]
pub struct Deps<S, B> {
    store: S,
    bus: B,
    clock: Clock,
    tenants: Cache<TenantId, Option<Arc<Tenant>>>,
}

impl<S, B> Deps<S, B> {
    /// Works with a store and a bus, and by a clock.
    pub fn new(store: S, bus: B, clock: Clock) -> Self {
        let tenants = Cache::new(10_000).for_at_most(TENANTS_CACHED_FOR);
        Self { store, bus, clock, tenants }
    }
}

#[derive(Deserialize)]
struct Event<'e> {
    #[serde(rename = "Records", borrow)]
    records: Vec<Record<'e>>,
}

#[derive(Deserialize)]
struct Record<'e> {
    #[serde(borrow)]
    dynamodb: &'e RawValue,
}

impl Record<'_> {
    fn sequence_number(&self) -> String {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Numbered {
            sequence_number: String,
        }
        let numbered = serde_json::from_str::<Numbered>(self.dynamodb.get());
        numbered.map(|numbered| numbered.sequence_number).unwrap_or_default()
    }
}

/// Brings a batch of the stream's records into the index, and answers with the first record from
/// which on they are to be delivered again, if any.
///
/// # Errors
/// [`IndexerError`] where nothing of the batch is known to be done.
pub async fn handle<S: Store, B: DomainEventBus>(
    deps: &Deps<S, B>,
    event: &RawValue,
) -> Result<Value, IndexerError> {
    let Event { records } = serde_json::from_str(event.get()).map_err(|_| IndexerError::NotARecord)?;
    let mut failed = None;
    for (tenant, placed) in by_tenant(&records, &mut failed) {
        let Some(tenant) = tenant_of(deps, tenant).await? else {
            warn!(tenant.id = %tenant, "dropped changes of contacts of no known tenant");
            continue;
        };
        let applied = apply(deps, &tenant, &placed).await;
        // What comes again is told then.
        let done = placed.iter().position(|(place, _)| applied.is_err_and(|first| *place >= first));
        let done = placed.get(..done.unwrap_or(placed.len())).unwrap_or(&placed);
        let told = tell(deps, &tenant, done).await;
        let watched = watch(deps, &tenant, done).await;
        if let Some(first) = [applied.err(), told.err(), watched.err()].into_iter().flatten().min() {
            failed = Some(failed.map_or(first, |other: usize| other.min(first)));
        }
    }
    debug!(records = records.len(), failed, "indexed changes of contacts");
    let failed = failed.and_then(|first| records.get(first)).map(Record::sequence_number);
    let failures: Vec<Value> = failed.map(|number| json!({ "itemIdentifier": number })).into_iter().collect();
    Ok(json!({ "batchItemFailures": failures }))
}

/// Is a record with its place in the batch.
type Placed = (usize, ContactRecord);

/// Sorts records by tenant. The first that cannot be read, and what comes after it, fails.
fn by_tenant(records: &[Record<'_>], failed: &mut Option<usize>) -> BTreeMap<TenantId, Vec<Placed>> {
    let mut tenants: BTreeMap<TenantId, Vec<Placed>> = BTreeMap::new();
    let news = records.iter().enumerate().filter(|(_, record)| !is_indexed_by_import(record.dynamodb));
    for (place, record) in news {
        match ContactRecord::read(record.dynamodb) {
            Ok(record) => {
                tenants.entry(record.tenant).or_default().push((place, record));
            }
            Err(error) => {
                error!(%error, record = place, "a record of the stream cannot be read");
                *failed = Some(place);
                break;
            }
        }
    }
    tenants
}

async fn tenant_of<S: Store, B>(
    deps: &Deps<S, B>,
    id: TenantId,
) -> Result<Option<Arc<Tenant>>, IndexerError> {
    if let Some(tenant) = deps.tenants.get(&id) {
        return Ok(tenant);
    }
    let tenant = deps.store.tenant(id).await.map_err(IndexerError::Tenant)?.map(Arc::new);
    deps.tenants.insert(id, tenant.clone());
    Ok(tenant)
}

/// Applies changes of one tenant; fails with the place of the first that may not be applied.
async fn apply<S: Store, B>(deps: &Deps<S, B>, tenant: &Tenant, placed: &[Placed]) -> Result<(), usize> {
    let changes = placed
        .iter()
        .flat_map(|(place, record)| change::changes(record).into_iter().map(|change| (*place, change)));
    let (places, changes): (Vec<usize>, Vec<Change>) = changes.unzip();
    let facts = ContactFacts { store: &deps.store, tenant };
    // More than one while the index is built anew beside the one that is in use.
    for generation in written_generations(tenant, deps.clock.now()) {
        let applied = Writer::new(&deps.store, &facts, generation).apply(&changes).await;
        applied.map_err(|failure| {
            error!(tenant.id = %tenant.id, error = %failure.cause, "changes of contacts are not indexed yet");
            places.get(failure.first).copied().unwrap_or_default()
        })?;
    }
    Ok(())
}

/// Tells what records say that are in the index; fails with the place of the first of which not all is
/// told.
async fn tell<S: Store, B: DomainEventBus>(
    deps: &Deps<S, B>,
    tenant: &Tenant,
    placed: &[Placed],
) -> Result<(), usize> {
    let first = placed.first().map_or(0, |(place, _)| *place);
    let failed = |error: &StoreError| {
        error!(tenant.id = %tenant.id, %error, "changes of contacts are not told yet");
    };
    let told = events::events(&deps.store, tenant, placed).await;
    let told = told.map_err(|error| {
        failed(&error);
        first
    })?;
    if told.is_empty() {
        return Ok(());
    }
    let (places, events): (Vec<usize>, Vec<DomainEvent>) = told.into_iter().unzip();
    let left = deps.bus.announce(&events).await.map_err(|error| {
        failed(&error);
        first
    })?;
    match left.first() {
        None => Ok(()),
        Some(left_first) => {
            warn!(tenant.id = %tenant.id, left = left.len(), "the bus did not take all events");
            Err(places.get(*left_first).copied().unwrap_or(first))
        }
    }
}

/// Tells who entered and left segments by what records say that are in the index; fails with the
/// place of the first record.
async fn watch<S: Store, B: DomainEventBus>(
    deps: &Deps<S, B>,
    tenant: &Tenant,
    placed: &[Placed],
) -> Result<(), usize> {
    let Some((first, _)) = placed.first() else { return Ok(()) };
    let segments = SegmentWatch { store: &deps.store, bus: &deps.bus, tenant, now: deps.clock.now() };
    let records: Vec<&ContactRecord> = placed.iter().map(|(_, record)| record).collect();
    match segments.changed(&records).await {
        Ok(seen) => {
            if seen.untold > 0 {
                warn!(tenant.id = %tenant.id, left = seen.untold, "the bus did not take all transitions");
            }
            Ok(())
        }
        Err(error) => {
            error!(tenant.id = %tenant.id, %error, "segments do not follow changes of contacts yet");
            Err(*first)
        }
    }
}
