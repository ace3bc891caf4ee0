//! Indexing what an import created: a block of contacts at once, where the stream's small batches
//! would write most items of the index many times over.
//!
//! A loader reserves ordinals that lie side by side, notes them in its checkpoint, and marks the
//! contacts that it creates with them; the indexer leaves those alone. Once the range is loaded its
//! blocks are sent to be indexed, after all ranges that wait. What an import changes, and what it
//! creates here and there, goes through the stream.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use index::{Block, IndexTable, IndexedFields, Writer};
use model::Ordinal;
use store::{
    ContactFacts, ContactStore, Freshness, IndexMessage, IndexQueue, Job, ListStore, StoreError, TenantStore,
    TimedTask, Timer, TimerStore, written_generations,
};
use tracing::{info, warn};

use crate::ImportError;

/// As many ordinals as a container of the index has: its items are then written once.
const BLOCK: u32 = 65_536;

/// Is what a loader has reserved and not used yet. Whom it gives an ordinal is indexed with its block,
/// and whom it has none for goes through the stream.
#[derive(Debug, Default)]
pub(crate) struct Reserved(Mutex<VecDeque<u32>>);

impl Reserved {
    /// Tells how many are left.
    pub(crate) fn len(&self) -> u64 {
        self.left().len() as u64
    }

    /// Gives one that was not given before.
    pub(crate) fn take(&self) -> Option<Ordinal> {
        self.left().pop_front().map(Ordinal)
    }

    fn left(&self) -> MutexGuard<'_, VecDeque<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what is noted as to be indexed.
    pub(crate) fn add(&self, (first, last): (u32, u32)) {
        self.left().extend(first..=last);
    }

    /// Reserves ordinals for contacts of a file that has so many rows left, up to the border of a
    /// block; gives the first and the last, unless they are too few to be worth it.
    pub(crate) async fn more(
        store: &impl ContactStore,
        tenant: &model::Tenant,
        rows_left: u64,
        min_indexed: u64,
    ) -> Result<Option<(u32, u32)>, StoreError> {
        if rows_left < min_indexed {
            return Ok(None);
        }
        let to_border = BLOCK - store.ordinals(tenant).await?.0 % BLOCK;
        let most = if u64::from(to_border) < min_indexed { to_border + BLOCK } else { to_border };
        let count = u32::try_from(rows_left).unwrap_or(u32::MAX).min(most);
        let first = store.reserve(tenant, count).await?.0;
        Ok(Some((first, first + (count - 1))))
    }
}

/// Sends what a loaded range is to have indexed.
pub(crate) async fn send(
    queue: &impl IndexQueue,
    job: &Job,
    to_index: Option<(u32, u32)>,
) -> Result<(), StoreError> {
    let Some((first, last)) = to_index else { return Ok(()) };
    let blocks = (first / BLOCK..=last / BLOCK).map(|number| IndexMessage {
        tenant: job.tenant,
        first: first.max(number * BLOCK),
        last: last.min(number * BLOCK + (BLOCK - 1)),
    });
    queue.send_blocks(&blocks.collect::<Vec<_>>()).await
}

/// Indexes the contacts of a block, as they are by now. Done again it changes nothing.
pub(crate) async fn index_block<S>(
    store: &S,
    message: IndexMessage,
    now: DateTime<Utc>,
) -> Result<(), ImportError>
where
    S: ContactStore + TenantStore + ListStore + TimerStore + IndexTable<Error = StoreError>,
{
    let IndexMessage { tenant, first, last } = message;
    let (Some(tenant), Some(block)) = (store.tenant(tenant).await?, Block::new(first, last)) else {
        warn!(tenant.id = %tenant, "dropped a block of no known tenant, or of none");
        return Ok(());
    };
    let facts = ContactFacts { store, tenant: &tenant };
    let (fields, mut contacts) = (IndexedFields::of_contacts(), 0);
    for generation in written_generations(&tenant, now) {
        let built = Writer::new(store, &facts, generation).build(block, &fields, &[]).await;
        contacts = built.map_err(|failure| ImportError::NotIndexed { cause: failure.cause })?;
    }
    // Of these contacts the indexer hears nothing, and so it does not tell which segments they enter.
    if store.lists(&tenant, Freshness::Strong).await?.watched().next().is_some() {
        let timer = Timer { tenant: tenant.id, task: TimedTask::Segments, due_at: now };
        store.set_timer(&timer).await?;
    }
    info!(tenant.id = %tenant.id, block.first = first, contacts, "indexed a block of contacts");
    Ok(())
}
