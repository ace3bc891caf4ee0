//! GetObject and HeadObject.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header};
use s3s::dto::{
    ChecksumMode, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, Metadata, StreamingBlob,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use crate::objects::attributes::{Checksums, Object};
use crate::objects::condition::{ReadCondition, Verdict, strong};
use crate::objects::error::StorageError;
use crate::objects::storage::{Storage, run};

/// How much of a file one read brings into memory.
const PIECE_BYTES: usize = 256 * 1024;

/// Fills in what the two answers have in common.
macro_rules! answer {
    ($output:ident, $object:ident, $span:ident, $checksum_mode:expr $(, $own:ident)?) => {{
        // A checksum is that of the whole: a part of the content would not match it.
        let wanted = $checksum_mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
            && $span.content_range.is_none();
        let checksums = if wanted { $object.checksums.clone() } else { Checksums::default() };
        $output {
            $($own,)?
            accept_ranges: Some("bytes".into()),
            content_length: Some($span.length()),
            e_tag: Some(strong(&$object.etag)),
            last_modified: Some($object.modified()),
            content_range: $span.content_range,
            content_type: $object.headers.content_type,
            content_encoding: $object.headers.content_encoding,
            content_disposition: $object.headers.content_disposition,
            content_language: $object.headers.content_language,
            cache_control: $object.headers.cache_control,
            metadata: Some(Metadata::from_iter($object.headers.metadata)),
            checksum_crc32: checksums.crc32,
            checksum_crc32c: checksums.crc32c,
            checksum_crc64nvme: checksums.crc64nvme,
            checksum_sha1: checksums.sha1,
            checksum_sha256: checksums.sha256,
            ..$output::default()
        }
    }};
}

pub(super) async fn get_object(
    storage: &Arc<Storage>,
    request: S3Request<GetObjectInput>,
) -> S3Result<GetObjectOutput> {
    let input = request.input;
    refuse_parts(input.part_number)?;
    let condition = ReadCondition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    let (object, file) = run(storage, move |storage| {
        // Inside, so that the condition and the content are those of one version.
        Ok(storage.read(&input.bucket, &input.key, |object| check(&condition, object)))
    })
    .await??;
    let span = Span::choose(input.range, object.size_bytes)?;
    let body = Some(stream(file, span.bytes.clone()).await?);
    Ok(answer!(GetObjectOutput, object, span, input.checksum_mode, body))
}

pub(super) async fn head_object(
    storage: &Arc<Storage>,
    request: S3Request<HeadObjectInput>,
) -> S3Result<HeadObjectOutput> {
    let input = request.input;
    refuse_parts(input.part_number)?;
    let object = run(storage, move |storage| storage.catalog.object(&input.bucket, &input.key)).await?;
    let condition = ReadCondition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    check(&condition, &object)?;
    let span = Span::choose(input.range, object.size_bytes)?;
    Ok(answer!(HeadObjectOutput, object, span, input.checksum_mode))
}

/// Is the part of the content that is answered.
struct Span {
    bytes: Range<u64>,
    /// Set when the caller asked for a range: s3s then answers 206.
    content_range: Option<String>,
}

impl Span {
    fn choose(range: Option<s3s::dto::Range>, size_bytes: u64) -> S3Result<Self> {
        let Some(range) = range else { return Ok(Self { bytes: 0..size_bytes, content_range: None }) };
        let bytes = range.check(size_bytes)?;
        let last = bytes.end.saturating_sub(1);
        let content_range = Some(format!("bytes {}-{last}/{size_bytes}", bytes.start));
        Ok(Self { bytes, content_range })
    }

    fn length(&self) -> i64 {
        i64::try_from(self.bytes.end - self.bytes.start).unwrap_or(i64::MAX)
    }
}

/// Reads a part of a file as it is sent.
async fn stream(file: File, bytes: Range<u64>) -> Result<StreamingBlob, StorageError> {
    let file = tokio::task::spawn_blocking(move || {
        let mut file = file;
        file.seek(SeekFrom::Start(bytes.start)).map(|_| file)
    })
    .await??;
    let mut file = tokio::fs::File::from_std(file);
    file.set_max_buf_size(PIECE_BYTES);
    Ok(StreamingBlob::wrap(ReaderStream::with_capacity(file.take(bytes.end - bytes.start), PIECE_BYTES)))
}

fn check(condition: &ReadCondition, object: &Object) -> S3Result {
    match condition.check(&object.etag, &object.modified()) {
        Verdict::Proceed => Ok(()),
        Verdict::Failed => Err(StorageError::PreconditionFailed.into()),
        Verdict::NotModified => {
            let mut error = S3Error::new(S3ErrorCode::NotModified);
            if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", object.etag)) {
                error.set_headers(HeaderMap::from_iter([(header::ETAG, etag)]));
            }
            Err(error)
        }
    }
}

/// Refuses to answer a single part: their bounds are not kept.
fn refuse_parts(part_number: Option<i32>) -> Result<(), StorageError> {
    match part_number {
        None => Ok(()),
        Some(_) => {
            Err(StorageError::refused(S3ErrorCode::NotImplemented, "reading a single part is not supported"))
        }
    }
}
