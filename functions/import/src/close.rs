//! Closing: when every range is loaded, the job gets its counts and its error report.

use std::io;

use futures::{StreamExt, TryStreamExt, stream};
use store::{Checkpoint, Consumed, Job, JobStatus, ObjectBody, ObjectStore, RowCounts, StoreError};
use tracing::info;

use crate::{Deps, ImportError, ImportStore, report};

/// Parts of the error report that are fetched ahead; each is a few hundred rows at most.
const PARTS_AHEAD: usize = 8;

/// Closes a job if a strong read shows every range loaded. Whoever finishes a range calls it: of
/// two that finish at once at least one sees both done, and the second close changes nothing.
pub(crate) async fn close_if_loaded<S: ImportStore, O: ObjectStore + Clone + 'static, Q>(
    deps: &Deps<S, O, Q>,
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
    if job.has_errors {
        let content = error_report(deps.objects.clone(), &job).await?;
        deps.objects.put_stream(&job.object_key("errors.csv"), "text/csv; charset=utf-8", content).await?;
    }
    let loading = checkpoints.iter().fold(Consumed::default(), |sum, checkpoint| sum + checkpoint.consumed);
    job.consumed = job.consumed + loading;
    job.rows = Some(rows);
    job.status = JobStatus::Done;
    job.finished_at = Some(deps.clock.now());
    if deps.store.save_job(&job, JobStatus::Importing).await? {
        info!(
            import.id = %job.id, tenant.id = %job.tenant, import.rows_created = rows.created,
            import.rows_updated = rows.updated, import.rows_unchanged = rows.unchanged,
            import.rows_invalid = rows.invalid, import.rows_duplicate = rows.duplicate,
            import.write_units = job.consumed.write_units, import.read_units = job.consumed.read_units,
            "finished an import"
        );
    }
    Ok(())
}

/// Names the part of the error report with the bad rows of one stretch; parts sort by row.
pub(crate) fn part_key(job: &Job, range: u32, first_row: u64) -> String {
    job.object_key(&format!("errors/{range:06}-{first_row:012}.csv"))
}

/// Streams the header and then every part, in the memory of a few parts.
async fn error_report<O: ObjectStore + Clone + 'static>(
    objects: O,
    job: &Job,
) -> Result<ObjectBody, StoreError> {
    let header = report::header(&job.columns)?;
    let keys = objects.list(&job.object_key("errors/")).await?;
    let parts = stream::iter(keys)
        .map(move |key| part(objects.clone(), key))
        .buffered(PARTS_AHEAD)
        .map_err(io::Error::other)
        .try_flatten();
    Ok(stream::iter([Ok(header)]).chain(parts).boxed())
}

async fn part<O: ObjectStore>(objects: O, key: String) -> Result<ObjectBody, StoreError> {
    let info = objects.head(&key).await?.ok_or(StoreError::ObjectGone)?;
    objects.read(&key, 0.., &info.etag).await
}
