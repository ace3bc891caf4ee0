//! Loading: one range of a planned file, stretch by stretch, each ended by a checkpoint.

use std::io::Read;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use model::Tenant;
use model::import::RowReader;
use store::{
    Checkpoint, ContactStore, Freshness, IndexQueue, Job, JobStatus, JobStore, ObjectStore, Range,
    RangeMessage, RangeQueue, StoreError,
};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::apply::{Applied, Applier, FirstTry};
use crate::close::{CSV, ERRORS, WARNINGS};
use crate::index_block::{self, Reserved};
use crate::records::{Place, ReadFault, Record, Records};
use crate::share::{PAUSE, in_turn};
use crate::superseded::Superseded;
use crate::{Deps, ImportError, ImportStore, Pace, close, report, source};

/// Left for one more stretch, should the table be slow, and for handing over.
const TIME_TO_HAND_OVER: Duration = Duration::from_secs(30);
/// Batches of one stretch that are read and written side by side: their addresses differ.
const BATCHES_AT_ONCE: usize = 8;
/// Ends a stretch early, so that memory is bounded by bytes also where rows are wide.
const MAX_STRETCH_BYTES: usize = 4 * 1024 * 1024;

/// Loads a range from its checkpoint on.
///
/// A message whose tenant, job or range does not exist is poison: it is logged and acknowledged,
/// because no redelivery can make it right.
pub(crate) async fn load<S, O, Q>(
    deps: &Deps<S, O, Q>,
    message: RangeMessage,
    deadline: Option<Instant>,
    pace: Pace,
) -> Result<(), ImportError>
where
    S: ImportStore,
    O: ObjectStore + Clone + 'static,
    Q: RangeQueue + IndexQueue,
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
        JobStatus::Done | JobStatus::Failed => return Ok(()),
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
async fn finish<S: ImportStore, O: ObjectStore + Clone + 'static, Q: IndexQueue>(
    deps: &Deps<S, O, Q>,
    job: Job,
    range: &Range,
) -> Result<(), ImportError> {
    index_block::send(&deps.queue, &job, range.checkpoint.to_index).await?;
    close::close_if_loaded(deps, job).await
}

/// Loads until the range ends or the deadline is near, and gives it as it then is.
async fn load_range<S: ImportStore, O: ObjectStore, Q>(
    deps: &Deps<S, O, Q>,
    tenant: &Tenant,
    job: &Job,
    mut range: Range,
    deadline: Option<Instant>,
    pace: Pace,
) -> Result<Range, ImportError> {
    let store = deps.store.metered();
    let superseded = Superseded::get(&deps.objects, job).await?;
    let demands = store.fields(tenant, Freshness::Cached).await?.demands();
    let reader = RowReader::new(job.columns.clone(), &job.options).demanding(demands);
    let mut applier = Applier {
        store: &store,
        tenant,
        job,
        reader: &reader,
        superseded: &superseded,
        first_try: FirstTry::Read,
        indexes: false,
    };
    let mut reserved = Reserved::default();
    let before = range.checkpoint.consumed;
    let source = source::open(&deps.objects, job, range.checkpoint.next_offset).await?;
    let (mut stretches, parsing) = parse(source, job, &range, pace)?;
    while let Some(stretch) = stretches.recv().await {
        let stretch = stretch.map_err(|fault| unreadable(job, fault))?;
        if applier.first_try == FirstTry::Create {
            let count = stretch.records.len() as u64;
            applier.indexes = reserved.take(count) || {
                let rows_left =
                    job.rows_total.unwrap_or_default().saturating_sub(range.checkpoint.next_row - 1);
                reserve(&store, tenant, &mut range, &mut reserved, (rows_left, pace.min_indexed)).await?
                    && reserved.take(count)
            };
        } else {
            applier.indexes = false;
        }
        let applied = apply_stretch(deps, &applier, &stretch.records, pace).await?;
        applier.first_try = FirstTry::after(&applied);
        let from = range.checkpoint;
        let warnings = applied.warnings.len() as u64;
        if !applied.bad.is_empty() {
            let key = close::part_key(job, ERRORS, range.number, from.next_row);
            deps.objects.put(&key, CSV, report::lines(&job.columns, &applied.bad)?).await?;
        }
        if warnings > 0 {
            let key = close::part_key(job, WARNINGS, range.number, from.next_row);
            deps.objects.put(&key, CSV, report::warning_lines(&applied.warnings)?).await?;
        }
        debug!(
            import.id = %job.id, import.next_row = stretch.next.row, import.warnings = warnings,
            "loaded a stretch"
        );
        range.checkpoint = Checkpoint {
            next_offset: stretch.next.offset,
            next_row: stretch.next.row,
            next_line: stretch.next.line,
            rows: from.rows + applied.rows,
            has_errors: from.has_errors || !applied.bad.is_empty(),
            warnings: from.warnings + warnings,
            to_index: from.to_index,
            consumed: before + store.consumed(),
            done: stretch.is_last,
        };
        save_checkpoint(&store, &range, &from).await?;
        let is_late = deadline.is_some_and(|deadline| Instant::now() + TIME_TO_HAND_OVER > deadline);
        if stretch.is_last || is_late {
            return Ok(range);
        }
    }
    parsing.await?;
    Err(StoreError::Malformed(format!("range {} of import `{}` ends too early", range.number, job.id)).into())
}

/// Reserves ordinals that are to be indexed together, and notes them before any of them is used:
/// whoever goes on with the range then has them indexed.
async fn reserve(
    store: &(impl ContactStore + JobStore),
    tenant: &Tenant,
    range: &mut Range,
    reserved: &mut Reserved,
    (rows_left, min_indexed): (u64, u64),
) -> Result<bool, ImportError> {
    let Some((first, last)) = reserved.renew(store, tenant, rows_left, min_indexed).await? else {
        return Ok(false);
    };
    let from = range.checkpoint;
    let (before_first, before_last) = from.to_index.unwrap_or((first, last));
    range.checkpoint.to_index = Some((before_first.min(first), before_last.max(last)));
    save_checkpoint(store, range, &from).await?;
    Ok(true)
}

async fn apply_stretch<S: ContactStore, Q, O>(
    deps: &Deps<S, O, Q>,
    applier: &Applier<'_, S>,
    records: &[Record],
    pace: Pace,
) -> Result<Applied, ImportError> {
    let now = deps.clock.now();
    // Collected first: as a lazy stream the borrowing futures would not be provably `Send`.
    let batches: Vec<_> = records.chunks(pace.rows_a_read).map(|batch| applier.apply(batch, now)).collect();
    let batches: Vec<Applied> = stream::iter(batches).buffered(BATCHES_AT_ONCE).try_collect().await?;
    let mut applied = Applied::default();
    batches.into_iter().for_each(|batch| applied.add(batch));
    applied.bad.sort_by_key(|bad| bad.record.place.row);
    applied.warnings.sort_by_key(|warning| warning.place.row);
    Ok(applied)
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

/// Is what lies between two checkpoints.
struct Stretch {
    records: Vec<Record>,
    /// Where the record after it starts.
    next: Place,
    is_last: bool,
}

type Stretches = mpsc::Receiver<Result<Stretch, ReadFault>>;

/// Parses the range on a thread of its own, one stretch ahead of the loader.
fn parse(
    source: impl Read + Send + 'static,
    job: &Job,
    range: &Range,
    pace: Pace,
) -> Result<(Stretches, tokio::task::JoinHandle<()>), StoreError> {
    let layout = source::layout(job)?;
    let Checkpoint { next_offset: offset, next_row: row, next_line: line, .. } = range.checkpoint;
    let mut records = Records::new(source, layout, Place { offset, row, line });
    let end_offset = range.end_offset;
    let (sender, receiver) = mpsc::channel(1);
    let parsing = spawn_blocking(move || {
        let mut ahead = None;
        loop {
            let stretch = next_stretch(&mut records, &mut ahead, end_offset, pace).transpose();
            let Some(stretch) = stretch else { return };
            let goes_on = matches!(&stretch, Ok(stretch) if !stretch.is_last);
            // A loader that stopped needs no more.
            if sender.blocking_send(stretch).is_err() || !goes_on {
                return;
            }
        }
    });
    Ok((receiver, parsing))
}

/// Takes the next records up to a checkpoint. One record more is read, and kept in `ahead`: where
/// it starts is where the checkpoint stands, past blank lines and both bytes of a CRLF.
fn next_stretch(
    records: &mut Records<impl Read>,
    ahead: &mut Option<Record>,
    end_offset: u64,
    pace: Pace,
) -> Result<Option<Stretch>, ReadFault> {
    let mut taken = Vec::new();
    let mut bytes = 0;
    loop {
        let record = match ahead.take() {
            Some(record) => Some(record),
            None => records.next().transpose()?,
        };
        let next = record.as_ref().map_or_else(|| records.place(), |record| record.place);
        let record = record.filter(|record| record.place.offset < end_offset);
        let is_full = taken.len() >= pace.rows_a_checkpoint || bytes >= MAX_STRETCH_BYTES;
        match record {
            Some(record) if !is_full => {
                bytes += record.cells.as_slice().len();
                taken.push(record);
            }
            record => {
                let is_last = record.is_none();
                *ahead = record;
                return Ok((!taken.is_empty()).then_some(Stretch { records: taken, next, is_last }));
            }
        }
    }
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
