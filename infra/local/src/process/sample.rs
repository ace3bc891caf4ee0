//! The bundled sample file and its way into the demo tenant: the same as of any other file.

use std::time::Duration;

use bytes::Bytes;
use model::Tenant;
use store::{Job, JobStatus, JobStore, ObjectStore, RowCounts, StoreError};

const FILENAME: &str = "contacts.csv";

const CONTENT: &[u8] = include_bytes!("../../sample/contacts.csv");

/// Between two looks at the import: a bar that moves five times a second looks alive.
const PAUSE: Duration = Duration::from_millis(200);

/// Hears how the import of the sample goes.
pub trait Progress: Send + 'static {
    /// Takes the rows so far and, once known, of how many.
    fn rows(&self, done: u64, total: Option<u64>);

    /// Takes the counts at the end.
    fn done(&self, rows: &RowCounts);
}

/// Says why the sample is not there.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The file cannot be put, or its import not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The import function refused it.
    #[error("the import of the sample failed")]
    Failed,
}

/// Puts the file and follows its import to the end.
pub(super) async fn import<S: JobStore>(
    store: &S,
    objects: &impl ObjectStore,
    tenant: &Tenant,
    progress: impl Progress,
) -> Result<(), SampleError> {
    let key = format!("inbox/{}/{FILENAME}", tenant.slug);
    objects.put(&key, "text/csv", Bytes::from_static(CONTENT)).await?;
    loop {
        if let Some(job) = first_job(store, tenant).await? {
            let rows = match job.rows {
                Some(rows) => rows,
                None => rows_so_far(store, &job).await?,
            };
            match job.status {
                JobStatus::Done => {
                    progress.done(&rows);
                    return Ok(());
                }
                JobStatus::Failed => return Err(SampleError::Failed),
                _ => progress.rows(rows.total(), job.rows_total),
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Finds the sample's job: the first one of a tenant that is new.
async fn first_job(store: &impl JobStore, tenant: &Tenant) -> Result<Option<Job>, StoreError> {
    let jobs = store.jobs(tenant.id, None, 100).await?;
    Ok(jobs.into_iter().rfind(|job| job.filename == FILENAME))
}

async fn rows_so_far(store: &impl JobStore, job: &Job) -> Result<RowCounts, StoreError> {
    let ranges = store.ranges(job.tenant, job.id).await?;
    Ok(ranges.iter().fold(RowCounts::default(), |sum, range| sum + range.checkpoint.rows))
}
