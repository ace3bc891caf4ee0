//! Opens the import's own copy of a file for the CSV reader, which is not async.

use bytes::Bytes;
use store::{Job, ObjectBody, ObjectStore, StoreError};
use tokio_util::io::{StreamReader, SyncIoBridge};

/// Reads a file. It blocks, so only in `spawn_blocking`.
pub(crate) type Source = SyncIoBridge<StreamReader<ObjectBody, Bytes>>;

/// Opens a job's file at an offset.
pub(crate) async fn open(objects: &impl ObjectStore, job: &Job, offset: u64) -> Result<Source, StoreError> {
    let (Some(source), Some(key)) = (&job.source, &job.source_key) else {
        return Err(StoreError::Malformed(format!("import `{}` has no source", job.id)));
    };
    let body = objects.read(key, offset.., &source.etag).await?;
    Ok(SyncIoBridge::new(StreamReader::new(body)))
}
