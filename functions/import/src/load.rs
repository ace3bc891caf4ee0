//! Loading: one range of a planned file, stretch by stretch, each ended by a checkpoint.

use std::time::Duration;

use futures::stream::FuturesOrdered;
use futures::{StreamExt, TryStreamExt, stream};
use model::Tenant;
use model::import::RowReader;
use store::{
    Checkpoint, ContactStore, DomainEventBus, Freshness, IndexQueue, Job, JobStatus, JobStore, ObjectStore,
    Range, RangeMessage, RangeQueue, StoreError,
};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::apply::{Applied, Applier, FirstTry};
use crate::close::{CSV, ERRORS, WARNINGS};
use crate::index_block::{self, Reserved};
use crate::records::ReadFault;
use crate::share::{PAUSE, in_turn};
use crate::stretch::{Stretch, parse};
use crate::superseded::Superseded;
use crate::told::tell_end;
use crate::{Deps, ImportError, ImportStore, Pace, close, report, source};

/// Left for the stretches under way, should the table be slow, and for handing over.
const TIME_TO_HAND_OVER: Duration = Duration::from_secs(30);
/// Batches that are read and written side by side, of all stretches under way: no two rows that
/// count have one address.
const BATCHES_AT_ONCE: usize = 8;
/// Stretches that are under way: while the last rows of one are written, the next one has begun.
const STRETCHES_AT_ONCE: usize = 2;

/// Loads a range from its checkpoint on.
///
/// A message whose tenant, job or range does not exist is poison: it is logged and acknowledged,
/// because no redelivery can make it right.
pub(crate) async fn load<S, O, Q, B>(
    deps: &Deps<S, O, Q, B>,
    message: RangeMessage,
    deadline: Option<Instant>,
    pace: Pace,
) -> Result<(), ImportError>
where
    S: ImportStore,
    O: ObjectStore + Clone + 'static,
    Q: RangeQueue + IndexQueue,
    B: DomainEventBus,
{
    let job = deps.store.job(message.tenant, message.job).await?;
    let tenant = deps.store.tenant(message.tenant).await?;
    let (Some(job), Some(tenant)) = (job, tenant) else {
        warn!(import.id = %message.job, tenant.id = %message.tenant, "dropped a range of no known import");
        return Ok(());
    };
    match job.status {
        JobStatus::Importing => {}
        // Planning saves the job before it sends ranges, so this is a stale read at most.
        JobStatus::AwaitingUpload | JobStatus::Planning => {
            return Err(ImportError::NotPlanned { job: job.id });
        }
        JobStatus::Done | JobStatus::Failed => return tell_end(deps, &job).await,
    }
    let ranges = deps.store.ranges(job.tenant, job.id).await?;
    let Some(range) = ranges.into_iter().find(|range| range.number == message.range) else {
        warn!(import.id = %job.id, import.range = message.range, "dropped a range its import does not have");
        return Ok(());
    };
    if range.checkpoint.done {
        return finish(deps, job, &range).await;
    }
    let name = format!("range#{}#{}", job.id, range.number);
    let work = load_range(deps, &tenant, &job, range, deadline, pace);
    let Some(range) = in_turn(&deps.store, tenant.id, &name, work).await? else {
        deps.queue.send_later(message, PAUSE).await?;
        info!(import.id = %job.id, import.range = message.range, "a range waits for others of its tenant");
        return Ok(());
    };
    if range.checkpoint.done {
        return finish(deps, job, &range).await;
    }
    deps.queue.send(&[message]).await?;
    info!(import.id = %job.id, import.range = message.range, "handed a range over before the deadline");
    Ok(())
}

/// Does what is left to do once a range is loaded.
async fn finish<S: ImportStore, O: ObjectStore + Clone + 'static, Q: IndexQueue, B: DomainEventBus>(
    deps: &Deps<S, O, Q, B>,
    job: Job,
    range: &Range,
) -> Result<(), ImportError> {
    index_block::send(&deps.queue, &job, range.checkpoint.to_index).await?;
    close::close_if_loaded(deps, job).await
}

/// Loads until the range ends or the deadline is near, and gives it as it then is.
async fn load_range<S: ImportStore, O: ObjectStore, Q, B>(
    deps: &Deps<S, O, Q, B>,
    tenant: &Tenant,
    job: &Job,
    mut range: Range,
    deadline: Option<Instant>,
    pace: Pace,
) -> Result<Range, ImportError> {
    let store = deps.store.metered();
    let superseded = Superseded::get(&deps.objects, job).await?;
    let reserved = Reserved::default();
    let before = range.checkpoint.consumed;
    let source = source::open(&deps.objects, job, range.checkpoint.next_offset).await?;
    let (mut stretches, parsing) = parse(source, job, &range, pace)?;
    let places = Semaphore::new(BATCHES_AT_ONCE);
    let mut under_way = FuturesOrdered::new();
    // What the first stretch meets tells how the others are tried.
    let mut first_try = None;
    let (mut goes_on, mut is_late, mut rows_under_way) = (true, false, 0);
    loop {
        let at_once = first_try.map_or(1, |_| STRETCHES_AT_ONCE);
        // Each time: what fields demand may change while a long range is loaded.
        let demands = store.fields(tenant, Freshness::Cached).await?.demands();
        while goes_on && under_way.len() < at_once {
            let Some(stretch) = stretches.recv().await else { break };
            let stretch = stretch.map_err(|fault| unreadable(job, fault))?;
            let first_try = first_try.unwrap_or(FirstTry::Read);
            let count = stretch.records.len() as u64;
            // Those under way may still take some of what is left.
            if first_try == FirstTry::Create && reserved.len() < count + rows_under_way {
                let rows_left = job.rows_total.unwrap_or_default().saturating_sub(stretch.first_row() - 1);
                let rows = (rows_left, pace.min_indexed);
                reserve(&store, tenant, &mut range, &reserved, rows).await?;
            }
            goes_on = !stretch.is_last;
            rows_under_way += count;
            let reserved = (first_try == FirstTry::Create).then_some(&reserved);
            let reader = RowReader::new(job.columns.clone(), &job.options).demanding(demands.clone());
            let applier =
                Applier { store: &store, tenant, job, reader, superseded: &superseded, first_try, reserved };
            under_way.push_back(apply_stretch(deps, applier, stretch, pace, &places));
        }
        let Some((stretch, applied)) = under_way.try_next().await? else { break };
        rows_under_way -= applied.rows.total();
        first_try = Some(FirstTry::after(&applied));
        let from = range.checkpoint;
        put_reports(deps, job, &range, &applied).await?;
        debug!(
            import.id = %job.id, import.next_row = stretch.next.row, import.warnings = applied.warnings.len(),
            "loaded a stretch"
        );
        range.checkpoint = Checkpoint {
            next_offset: stretch.next.offset,
            next_row: stretch.next.row,
            next_line: stretch.next.line,
            rows: from.rows + applied.rows,
            has_errors: from.has_errors || !applied.bad.is_empty(),
            warnings: from.warnings + applied.warnings.len() as u64,
            to_index: from.to_index,
            consumed: before + store.consumed(),
            done: stretch.is_last,
        };
        save_checkpoint(&store, &range, &from).await?;
        if stretch.is_last {
            return Ok(range);
        }
        is_late |= deadline.is_some_and(|deadline| Instant::now() + TIME_TO_HAND_OVER > deadline);
        goes_on &= !is_late;
    }
    if is_late {
        return Ok(range);
    }
    parsing.await?;
    Err(StoreError::Malformed(format!("range {} of import `{}` ends too early", range.number, job.id)).into())
}

/// Puts the parts of the reports that a stretch gives, which is the one behind the checkpoint.
async fn put_reports<S, O: ObjectStore, Q, B>(
    deps: &Deps<S, O, Q, B>,
    job: &Job,
    range: &Range,
    applied: &Applied,
) -> Result<(), ImportError> {
    let first_row = range.checkpoint.next_row;
    if !applied.bad.is_empty() {
        let key = close::part_key(job, ERRORS, range.number, first_row);
        deps.objects.put(&key, CSV, report::lines(&job.columns, &applied.bad)?).await?;
    }
    if !applied.warnings.is_empty() {
        let key = close::part_key(job, WARNINGS, range.number, first_row);
        deps.objects.put(&key, CSV, report::warning_lines(&applied.warnings)?).await?;
    }
    Ok(())
}

/// Reserves ordinals that are to be indexed together, and notes them before any of them is used:
/// whoever goes on with the range then has them indexed.
async fn reserve(
    store: &(impl ContactStore + JobStore),
    tenant: &Tenant,
    range: &mut Range,
    reserved: &Reserved,
    (rows_left, min_indexed): (u64, u64),
) -> Result<(), ImportError> {
    let Some((first, last)) = Reserved::more(store, tenant, rows_left, min_indexed).await? else {
        return Ok(());
    };
    let from = range.checkpoint;
    let (before_first, before_last) = from.to_index.unwrap_or((first, last));
    range.checkpoint.to_index = Some((before_first.min(first), before_last.max(last)));
    save_checkpoint(store, range, &from).await?;
    reserved.add((first, last));
    Ok(())
}

/// Applies a stretch, and gives what became of its rows with it.
async fn apply_stretch<S: ContactStore, Q, O, B>(
    deps: &Deps<S, O, Q, B>,
    applier: Applier<'_, S>,
    mut stretch: Stretch,
    pace: Pace,
    places: &Semaphore,
) -> Result<(Stretch, Applied), ImportError> {
    let now = deps.clock.now();
    let records = std::mem::take(&mut stretch.records);
    let applier = &applier;
    // Collected first: as a lazy stream the borrowing futures would not be provably `Send`.
    let batches: Vec<_> = records
        .chunks(pace.rows_a_read)
        .map(|batch| async move {
            // It is never closed, and who waits longest is the next.
            let _place = places.acquire().await;
            applier.apply(batch, now).await
        })
        .collect();
    let batches: Vec<Applied> = stream::iter(batches).buffered(BATCHES_AT_ONCE).try_collect().await?;
    let mut applied = Applied::default();
    batches.into_iter().for_each(|batch| applied.add(batch));
    applied.bad.sort_by_key(|bad| bad.record.place.row);
    applied.warnings.sort_by_key(|warning| warning.place.row);
    Ok((stretch, applied))
}

/// Moves the range on. Where it did not stand at `from`, the write may still be this loader's own,
/// sent twice because the first answer was lost. Otherwise another loader is ahead, and this one
/// stops; but it does not acknowledge: both may have been woken by one message, and if the other
/// one dies, nobody else would go on.
async fn save_checkpoint(store: &impl JobStore, range: &Range, from: &Checkpoint) -> Result<(), ImportError> {
    if store.save_checkpoint(range, from).await? {
        return Ok(());
    }
    let stored = store.ranges(range.tenant, range.job).await?;
    if stored.contains(range) {
        return Ok(());
    }
    Err(ImportError::Overtaken { job: range.job, range: range.number })
}

/// Planning read the same bytes, so only their coming can be at fault.
fn unreadable(job: &Job, fault: ReadFault) -> StoreError {
    match fault {
        ReadFault::Io(error) => StoreError::Unavailable(Box::new(error)),
        ReadFault::Refused(refusal) => {
            StoreError::Malformed(format!("the source of import `{}`: {}", job.id, refusal.code))
        }
    }
}
