//! Closing: when every range is loaded, the job gets its counts and its reports.

use std::io;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use store::{
    Checkpoint, Consumed, DomainEventBus, Job, JobStatus, ObjectBody, ObjectStore, RowCounts, StoreError,
    UsageKind, UsageParts, UsageRecord,
};
use tracing::info;

use crate::told::tell_end;
use crate::{Deps, ImportError, ImportStore, report};

/// Parts of a report that are fetched ahead; each is a few hundred rows at most.
const PARTS_AHEAD: usize = 8;

pub(crate) const CSV: &str = "text/csv; charset=utf-8";
/// Names the report of the rows that were not applied.
pub(crate) const ERRORS: &str = "errors";
/// Names the report of what was left out of rows that were applied.
pub(crate) const WARNINGS: &str = "warnings";

/// Closes a job if a strong read shows every range loaded. Whoever finishes a range calls it: of
/// two that finish at once at least one sees both done, and the second close changes nothing.
pub(crate) async fn close_if_loaded<
    S: ImportStore,
    O: ObjectStore + Clone + 'static,
    Q,
    B: DomainEventBus,
>(
    deps: &Deps<S, O, Q, B>,
    mut job: Job,
) -> Result<(), ImportError> {
    let ranges = deps.store.ranges(job.tenant, job.id).await?;
    let checkpoints: Vec<Checkpoint> = ranges.iter().map(|range| range.checkpoint).collect();
    if job.status != JobStatus::Importing || !checkpoints.iter().all(|checkpoint| checkpoint.done) {
        return Ok(());
    }
    let rows = checkpoints.iter().fold(RowCounts::default(), |sum, checkpoint| sum + checkpoint.rows);
    let total = job.rows_total.unwrap_or_default();
    if rows.total() != total {
        return Err(ImportError::Unbalanced { job: job.id, counted: rows.total(), total });
    }
    job.has_errors = checkpoints.iter().any(|checkpoint| checkpoint.has_errors);
    job.warnings = checkpoints.iter().map(|checkpoint| checkpoint.warnings).sum();
    if job.has_errors {
        put_report(&deps.objects, &job, ERRORS, report::header(&job.columns)?).await?;
    }
    if job.warnings > 0 {
        put_report(&deps.objects, &job, WARNINGS, report::warning_header()?).await?;
    }
    let loading = checkpoints.iter().fold(Consumed::default(), |sum, checkpoint| sum + checkpoint.consumed);
    job.consumed = job.consumed + loading;
    job.rows = Some(rows);
    job.status = JobStatus::Done;
    job.finished_at = Some(deps.clock.now());
    // Before the job is closed: a crash between leaves records that are put again, never a job
    // that nobody counted.
    record_usage(deps, &job, rows.total()).await?;
    if deps.store.save_job(&job, JobStatus::Importing).await? {
        info!(
            import.id = %job.id, tenant.id = %job.tenant, import.rows_created = rows.created,
            import.rows_updated = rows.updated, import.rows_unchanged = rows.unchanged,
            import.rows_invalid = rows.invalid, import.rows_duplicate = rows.duplicate,
            import.warnings = job.warnings,
            import.write_units = job.consumed.write_units, import.read_units = job.consumed.read_units,
            "finished an import"
        );
        return tell_end(deps, &job).await;
    }
    // Somebody else ended it, or this did and never heard so.
    match deps.store.job(job.tenant, job.id).await? {
        Some(job) if job.finished_at.is_some() => tell_end(deps, &job).await,
        _ => Ok(()),
    }
}

/// Counts the import and its rows for the day on which it was asked for, which is the same however
/// often this is done.
async fn record_usage<S: ImportStore, O, Q, B>(
    deps: &Deps<S, O, Q, B>,
    job: &Job,
    rows: u64,
) -> Result<(), StoreError> {
    let used = [(UsageKind::Imports, 1, job.consumed), (UsageKind::ImportedRows, rows, Consumed::default())];
    for (kind, amount, consumed) in used {
        let (id, parts) = (job.id.to_string(), UsageParts::default());
        let record = UsageRecord { kind, id, amount, parts, consumed, at: job.created_at };
        deps.store.record_usage(job.tenant, job.created_at.date_naive(), &record).await?;
    }
    Ok(())
}

/// Names the part of a report with the rows of one stretch; parts sort by row.
pub(crate) fn part_key(job: &Job, report: &str, range: u32, first_row: u64) -> String {
    job.object_key(&format!("{report}/{range:06}-{first_row:012}.csv"))
}

/// Streams the header and then every part, in the memory of a few parts.
async fn put_report<O: ObjectStore + Clone + 'static>(
    objects: &O,
    job: &Job,
    report: &str,
    header: Bytes,
) -> Result<(), StoreError> {
    let keys = objects.list(&job.object_key(&format!("{report}/"))).await?;
    let source = objects.clone();
    let parts = stream::iter(keys)
        .map(move |key| part(source.clone(), key))
        .buffered(PARTS_AHEAD)
        .map_err(io::Error::other)
        .try_flatten();
    let content = stream::iter([Ok(header)]).chain(parts).boxed();
    objects.put_stream(&job.object_key(&format!("{report}.csv")), CSV, content).await
}

async fn part<O: ObjectStore>(objects: O, key: String) -> Result<ObjectBody, StoreError> {
    let info = objects.head(&key).await?.ok_or(StoreError::ObjectGone)?;
    objects.read(&key, 0.., &info.etag).await
}
