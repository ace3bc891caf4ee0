//! ListObjectsV2.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    CommonPrefix, EncodingType, ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass,
};
use s3s::{S3ErrorCode, S3Request, S3Result};

use crate::objects::condition::strong;
use crate::objects::error::StorageError;
use crate::objects::listing::{Query, after_key};
use crate::objects::storage::{Storage, run};

/// S3 gives no longer page, whatever is asked for.
const MAX_KEYS: i32 = 1000;

/// What `encoding-type=url` leaves as it is, besides letters and digits.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

pub(super) async fn list_objects_v2(
    storage: &Arc<Storage>,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<ListObjectsV2Output> {
    let input = request.input;
    let max_keys = input.max_keys.unwrap_or(MAX_KEYS).min(MAX_KEYS);
    let limit = usize::try_from(max_keys).map_err(|_| invalid("max-keys must not be negative"))?;
    let query = Query {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
        from: match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => read_token(token)?,
            (None, Some(key)) => after_key(key),
            (None, None) => String::new(),
        },
        limit,
    };
    let page = run(storage, move |storage| storage.catalog.list(&query)).await?;

    // Names may hold characters that XML cannot: that is what the encoding is for.
    let encoded = input.encoding_type.as_ref().is_some_and(|encoding| encoding.as_str() == EncodingType::URL);
    let name = |name: String| if encoded { utf8_percent_encode(&name, KEPT).to_string() } else { name };
    Ok(ListObjectsV2Output {
        key_count: i32::try_from(page.len()).ok(),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.as_deref().map(hex::encode),
        contents: Some(
            page.objects
                .into_iter()
                .map(|object| Object {
                    e_tag: Some(strong(&object.etag)),
                    last_modified: Some(object.modified()),
                    size: i64::try_from(object.size_bytes).ok(),
                    storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                    key: Some(name(object.key)),
                    ..Object::default()
                })
                .collect(),
        ),
        common_prefixes: Some(
            page.common_prefixes
                .into_iter()
                .map(|prefix| CommonPrefix { prefix: Some(name(prefix)) })
                .collect(),
        ),
        name: Some(input.bucket),
        prefix: Some(name(input.prefix.unwrap_or_default())),
        delimiter: input.delimiter.map(name),
        start_after: input.start_after.map(name),
        max_keys: Some(max_keys),
        continuation_token: input.continuation_token,
        encoding_type: input.encoding_type,
        ..ListObjectsV2Output::default()
    })
}

/// Reads where a page starts; in hex so that every key survives the query string.
fn read_token(token: &str) -> Result<String, StorageError> {
    let bytes = hex::decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(invalid("the continuation token is not one of ours"))
}

fn invalid(message: &'static str) -> StorageError {
    StorageError::refused(S3ErrorCode::InvalidArgument, message)
}
