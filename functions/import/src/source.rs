//! Opens the text of a file for the readers, which are not async.

use bytes::Bytes;
use store::{FileKind, Job, ObjectBody, ObjectStore, StoreError};
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::ndjson::Keys;
use crate::records::Layout;

/// Reads a file. It blocks, so only in `spawn_blocking`.
pub(crate) type Source = SyncIoBridge<StreamReader<ObjectBody, Bytes>>;

/// Opens a job's text at an offset: the import's own copy of the file, or what planning made of it.
pub(crate) async fn open(objects: &impl ObjectStore, job: &Job, offset: u64) -> Result<Source, StoreError> {
    let (Some(source), Some(key)) = (&job.source, &job.source_key) else {
        return Err(StoreError::Malformed(format!("import `{}` has no source", job.id)));
    };
    let (key, info) = job.plain.as_ref().map_or((key, source), |plain| (&plain.key, &plain.info));
    let body = objects.read(key, offset.., &info.etag).await?;
    Ok(SyncIoBridge::new(StreamReader::new(body)))
}

/// Tells how a planned job's text is laid out.
pub(crate) fn layout(job: &Job) -> Result<Layout, StoreError> {
    let malformed = || StoreError::Malformed(format!("import `{}` has no format", job.id));
    let format = job.format.as_ref().ok_or_else(malformed)?;
    match format.kind {
        FileKind::Csv => {
            let delimiter = format.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok());
            delimiter.map(Layout::Csv).ok_or_else(malformed)
        }
        FileKind::Ndjson => {
            let names = job.columns.iter().map(|planned| planned.column.name.clone());
            Ok(Keys::new(names.collect()).into())
        }
    }
}
