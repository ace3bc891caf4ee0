//! Multipart uploads: parts are kept as content files and joined at the end.

use std::io;
use std::sync::Arc;

use chrono::Utc;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    ListPartsInput, ListPartsOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Result};

use crate::objects::attributes::{Checksums, headers_of, timestamp};
use crate::objects::condition::{WriteCondition, strong};
use crate::objects::error::StorageError;
use crate::objects::event::EventName;
use crate::objects::receive::{Received, receive};
use crate::objects::storage::{Publication, Storage, run};
use crate::objects::uploads::Part;

/// S3's limits.
const PART_NUMBERS: std::ops::RangeInclusive<i32> = 1..=10_000;
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;
const MAX_LISTED_PARTS: i32 = 1000;

pub(super) async fn create_multipart_upload(
    storage: &Arc<Storage>,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<CreateMultipartUploadOutput> {
    let input = request.input;
    let headers = headers_of!(input);
    let (bucket, key) = (input.bucket.clone(), input.key.clone());
    let id = run(storage, move |storage| storage.catalog.begin_upload(&bucket, &key, &headers, Utc::now()))
        .await?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        ..CreateMultipartUploadOutput::default()
    })
}

pub(super) async fn upload_part(
    storage: &Arc<Storage>,
    mut request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let number = request.input.part_number;
    if !PART_NUMBERS.contains(&number) {
        return Err(refused(S3ErrorCode::InvalidArgument, "a part's number is from 1 to 10,000").into());
    }
    let body = request.input.body.take();
    let Received { draft, size_bytes, sums } = receive(storage, &request, body).await?;
    let input = request.input;
    let etag = hex::encode(sums.md5);
    let e_tag = Some(strong(&etag));
    run(storage, move |storage| {
        let content = storage.contents.keep(draft, &input.bucket, &input.key)?;
        let part = Part { number, content, size_bytes, etag, modified_ms: Utc::now().timestamp_millis() };
        match storage.catalog.add_part(&input.bucket, &input.key, &input.upload_id, &part) {
            Ok(replaced) => storage.contents.remove(replaced),
            // Perhaps recorded all the same: leave the file to the next start.
            Err(error @ StorageError::Catalog(_)) => return Err(error),
            Err(refusal) => {
                storage.contents.remove([part.content]);
                return Err(refusal);
            }
        }
        Ok(())
    })
    .await?;
    Ok(UploadPartOutput {
        e_tag,
        checksum_crc32: sums.chosen.crc32,
        checksum_crc32c: sums.chosen.crc32c,
        checksum_crc64nvme: sums.chosen.crc64nvme,
        checksum_sha1: sums.chosen.sha1,
        checksum_sha256: sums.chosen.sha256,
        ..UploadPartOutput::default()
    })
}

/// Joins the parts. Answered when it is done, not with s3s's `future`: that sends its 200
/// first, and a failed condition must be a 412.
pub(super) async fn complete_multipart_upload(
    storage: &Arc<Storage>,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<CompleteMultipartUploadOutput> {
    let input = request.input;
    let condition = WriteCondition::parse(input.if_match, input.if_none_match)?;
    let wanted = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
    let (bucket, key) = (input.bucket.clone(), input.key.clone());
    let object = run(storage, move |storage| {
        let (headers, present) = storage.catalog.upload(&bucket, &key, &input.upload_id)?;
        let chosen = choose(&wanted, &present)?;
        let (content, size_bytes, etag) = join(storage, &bucket, &key, &chosen)?;
        storage.publish(Publication {
            bucket,
            key,
            content,
            size_bytes,
            etag,
            headers,
            checksums: Checksums::default(),
            condition,
            event_name: EventName::CompleteMultipartUpload,
            upload: Some(input.upload_id),
        })
    })
    .await?;
    Ok(CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(strong(&object.etag)),
        ..CompleteMultipartUploadOutput::default()
    })
}

pub(super) async fn abort_multipart_upload(
    storage: &Arc<Storage>,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<AbortMultipartUploadOutput> {
    let input = request.input;
    run(storage, move |storage| {
        let contents = storage.catalog.abort_upload(&input.bucket, &input.key, &input.upload_id)?;
        storage.contents.remove(contents);
        Ok(())
    })
    .await?;
    Ok(AbortMultipartUploadOutput::default())
}

pub(super) async fn list_parts(
    storage: &Arc<Storage>,
    request: S3Request<ListPartsInput>,
) -> S3Result<ListPartsOutput> {
    let input = request.input;
    let (bucket, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id.clone());
    let (_, parts) = run(storage, move |storage| storage.catalog.upload(&bucket, &key, &id)).await?;
    let after = input.part_number_marker.unwrap_or(0);
    let max_parts = input.max_parts.unwrap_or(MAX_LISTED_PARTS).clamp(1, MAX_LISTED_PARTS);
    let mut listed: Vec<_> = parts.into_iter().filter(|part| part.number > after).collect();
    let limit = usize::try_from(max_parts).unwrap_or(usize::MAX);
    let is_truncated = listed.len() > limit;
    listed.truncate(limit);
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        part_number_marker: input.part_number_marker,
        max_parts: Some(max_parts),
        is_truncated: Some(is_truncated),
        next_part_number_marker: listed.last().map(|part| part.number),
        parts: Some(
            listed
                .into_iter()
                .map(|part| s3s::dto::Part {
                    part_number: Some(part.number),
                    size: i64::try_from(part.size_bytes).ok(),
                    e_tag: Some(strong(&part.etag)),
                    last_modified: Some(timestamp(part.modified_ms)),
                    ..s3s::dto::Part::default()
                })
                .collect(),
        ),
        ..ListPartsOutput::default()
    })
}

/// Finds the parts the caller names, which must be in order and large enough.
fn choose(wanted: &[CompletedPart], present: &[Part]) -> Result<Vec<Part>, StorageError> {
    let mut chosen: Vec<Part> = Vec::with_capacity(wanted.len());
    for part in wanted {
        let found = present
            .iter()
            .find(|present| Some(present.number) == part.part_number)
            .filter(|present| part.e_tag.as_ref().is_some_and(|etag| etag.value() == present.etag))
            .ok_or(refused(S3ErrorCode::InvalidPart, "a part is missing or has another entity tag"))?;
        if let Some(last) = chosen.last() {
            if last.number >= found.number {
                return Err(refused(S3ErrorCode::InvalidPartOrder, "the parts are not in ascending order"));
            }
            if last.size_bytes < MIN_PART_BYTES {
                return Err(refused(S3ErrorCode::EntityTooSmall, "every part but the last needs 5 MiB"));
            }
        }
        chosen.push(found.clone());
    }
    if chosen.is_empty() {
        return Err(refused(S3ErrorCode::MalformedXML, "name at least one part"));
    }
    Ok(chosen)
}

/// Writes the parts into one durable file and gives its name, size and entity tag.
fn join(
    storage: &Storage,
    bucket: &str,
    key: &str,
    parts: &[Part],
) -> Result<(String, u64, String), StorageError> {
    let (mut draft, mut size_bytes, mut md5) = (storage.contents.draft()?, 0, Md5::new());
    for part in parts {
        let mut source = match storage.contents.read(&part.content) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(refused(S3ErrorCode::InvalidPart, "a part was replaced meanwhile"));
            }
            source => source?,
        };
        // Between two files this is the kernel's work, on some file systems without copying.
        let copied = io::copy(&mut source, draft.as_file_mut())?;
        if copied != part.size_bytes {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        size_bytes += copied;
        let digest = hex::decode(&part.etag).map_err(io::Error::other)?;
        md5.update(&digest);
    }
    let etag = format!("{}-{}", hex::encode(md5.finalize()), parts.len());
    Ok((storage.contents.keep(draft, bucket, key)?, size_bytes, etag))
}

fn refused(code: S3ErrorCode, message: &'static str) -> StorageError {
    StorageError::refused(code, message)
}
