//! PutObject, CopyObject, DeleteObject and DeleteObjects.

use std::sync::Arc;

use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, DeleteObjectInput, DeleteObjectOutput,
    DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETagCondition, MetadataDirective, PutObjectInput,
    PutObjectOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Result};

use crate::objects::attributes::headers_of;
use crate::objects::condition::{ReadCondition, Verdict, WriteCondition, strong};
use crate::objects::error::StorageError;
use crate::objects::event::EventName;
use crate::objects::receive::{Received, receive};
use crate::objects::storage::{Publication, Storage, run};

/// S3 deletes no more keys with one request.
const MAX_DELETED_KEYS: usize = 1000;

pub(super) async fn put_object(
    storage: &Arc<Storage>,
    mut request: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let body = request.input.body.take();
    let bucket = request.input.bucket.clone();
    // Said before the body is taken; publishing asks again.
    run(storage, move |storage| storage.catalog.require_bucket(&bucket)).await?;
    let Received { draft, size_bytes, sums } = receive(storage, &request, body).await?;
    let input = request.input;
    let condition = WriteCondition::parse(input.if_match, input.if_none_match)?;
    let headers = headers_of!(input);
    let object = run(storage, move |storage| {
        let content = storage.contents.keep(draft, &input.bucket, &input.key)?;
        storage.publish(Publication {
            bucket: input.bucket,
            key: input.key,
            content,
            size_bytes,
            etag: hex::encode(sums.md5),
            headers,
            checksums: sums.chosen,
            condition,
            event_name: EventName::Put,
            upload: None,
        })
    })
    .await?;
    Ok(PutObjectOutput {
        e_tag: Some(strong(&object.etag)),
        checksum_crc32: object.checksums.crc32,
        checksum_crc32c: object.checksums.crc32c,
        checksum_crc64nvme: object.checksums.crc64nvme,
        checksum_sha1: object.checksums.sha1,
        checksum_sha256: object.checksums.sha256,
        ..PutObjectOutput::default()
    })
}

/// Copies without copying: the new object is a second name of the same content. Its
/// entity tag stays that of the source, also for what came in parts.
pub(super) async fn copy_object(
    storage: &Arc<Storage>,
    request: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    // s3s 0.14 has no fields for the conditions on the target, S3 has them since 2025.
    let target = |name| {
        request.headers.get(name).and_then(|value| ETagCondition::parse_http_header(value.as_bytes()).ok())
    };
    let condition = WriteCondition::parse(target("if-match"), target("if-none-match"))?;
    let input = request.input;
    let CopySource::Bucket { bucket: from_bucket, key: from_key, version_id: None } = input.copy_source
    else {
        return Err(invalid("the source of a copy must be a bucket and a key").into());
    };
    let replaces =
        input.metadata_directive.is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
    if !replaces && *from_bucket == *input.bucket && *from_key == *input.key {
        return Err(invalid("a copy to itself must replace the metadata").into());
    }
    let source_condition = ReadCondition {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let replacement = replaces.then(|| headers_of!(input));
    let object = run(storage, move |storage| {
        let (source, content) =
            storage.link(&from_bucket, &from_key, &input.bucket, &input.key, |source| {
                match source_condition.check(&source.etag, &source.modified()) {
                    Verdict::Proceed => Ok(()),
                    // Unlike a read, a copy answers 412 also for "not modified".
                    Verdict::NotModified | Verdict::Failed => Err(StorageError::PreconditionFailed),
                }
            })?;
        storage.publish(Publication {
            bucket: input.bucket,
            key: input.key,
            content,
            size_bytes: source.size_bytes,
            etag: source.etag,
            headers: replacement.unwrap_or(source.headers),
            checksums: source.checksums,
            condition,
            event_name: EventName::Copy,
            upload: None,
        })
    })
    .await?;
    Ok(CopyObjectOutput {
        copy_object_result: Some(CopyObjectResult {
            e_tag: Some(strong(&object.etag)),
            last_modified: Some(object.modified()),
            ..CopyObjectResult::default()
        }),
        ..CopyObjectOutput::default()
    })
}

pub(super) async fn delete_object(
    storage: &Arc<Storage>,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<DeleteObjectOutput> {
    let input = request.input;
    let condition = WriteCondition::parse(input.if_match, None)?;
    run(storage, move |storage| {
        let removed = storage.catalog.delete(&input.bucket, [input.key.as_str()], &condition)?;
        storage.contents.remove(removed);
        Ok(())
    })
    .await?;
    Ok(DeleteObjectOutput::default())
}

pub(super) async fn delete_objects(
    storage: &Arc<Storage>,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<DeleteObjectsOutput> {
    let (bucket, delete) = (request.input.bucket, request.input.delete);
    let keys: Vec<_> = delete.objects.into_iter().map(|object| object.key).collect();
    if keys.is_empty() || keys.len() > MAX_DELETED_KEYS {
        return Err(StorageError::refused(S3ErrorCode::MalformedXML, "name 1 to 1,000 keys").into());
    }
    let keys = run(storage, move |storage| {
        let names = keys.iter().map(String::as_str);
        let removed = storage.catalog.delete(&bucket, names, &WriteCondition::default())?;
        storage.contents.remove(removed);
        Ok(keys)
    })
    .await?;
    let quiet = delete.quiet.unwrap_or(false);
    let deleted = keys
        .into_iter()
        .filter(|_| !quiet)
        .map(|key| DeletedObject { key: Some(key), ..DeletedObject::default() })
        .collect();
    Ok(DeleteObjectsOutput { deleted: Some(deleted), ..DeleteObjectsOutput::default() })
}

fn invalid(message: &'static str) -> StorageError {
    StorageError::refused(S3ErrorCode::InvalidRequest, message)
}
