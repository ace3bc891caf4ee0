//! What is stored of an object besides its content.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use s3s::dto::{Checksum, Timestamp};
use serde::{Deserialize, Serialize};

/// Is one object's row of metadata.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) key: String,
    /// The name of its content file.
    pub(super) content: String,
    pub(super) size_bytes: u64,
    /// The entity tag without quotes.
    pub(super) etag: String,
    pub(super) modified_ms: i64,
    pub(super) headers: Headers,
    pub(super) checksums: Checksums,
}

impl Object {
    /// Gives the time of the last modification in the protocol's type.
    pub(super) fn modified(&self) -> Timestamp {
        timestamp(self.modified_ms)
    }
}

/// Converts stored milliseconds, cut to the second as in HTTP dates: a condition must
/// compare equal with the date that the caller was given.
pub(super) fn timestamp(ms: i64) -> Timestamp {
    let seconds = u64::try_from(ms / 1000).unwrap_or(0);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(SystemTime::UNIX_EPOCH).into()
}

/// Keeps the headers that S3 gives back as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Headers {
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) cache_control: Option<String>,
    /// The `x-amz-meta-` headers.
    pub(super) metadata: BTreeMap<String, String>,
}

/// The type that S3 gives to content sent without one.
pub(super) const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// Takes the headers to keep from a request's input; the inputs have them in common, but
/// no trait.
macro_rules! headers_of {
    ($input:expr) => {
        $crate::objects::attributes::Headers {
            content_type: $input
                .content_type
                .or_else(|| Some($crate::objects::attributes::DEFAULT_CONTENT_TYPE.to_owned())),
            content_encoding: $crate::objects::attributes::content_encoding($input.content_encoding),
            content_disposition: $input.content_disposition,
            content_language: $input.content_language,
            cache_control: $input.cache_control,
            metadata: $input.metadata.unwrap_or_default().into_iter().collect(),
        }
    };
}
pub(super) use headers_of;

/// Drops `aws-chunked`, which describes the transfer and not the content.
pub(super) fn content_encoding(sent: Option<String>) -> Option<String> {
    let kept: Vec<_> = sent?
        .split(',')
        .map(str::trim)
        .filter(|&coding| coding != "aws-chunked")
        .map(str::to_owned)
        .collect();
    let kept = kept.join(",");
    (!kept.is_empty()).then_some(kept)
}

/// Keeps the checksums of the content that its sender chose, in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Checksums {
    pub(super) crc32: Option<String>,
    pub(super) crc32c: Option<String>,
    pub(super) crc64nvme: Option<String>,
    pub(super) sha1: Option<String>,
    pub(super) sha256: Option<String>,
}

impl From<Checksum> for Checksums {
    fn from(sums: Checksum) -> Self {
        Self {
            crc32: sums.checksum_crc32,
            crc32c: sums.checksum_crc32c,
            crc64nvme: sums.checksum_crc64nvme,
            sha1: sums.checksum_sha1,
            sha256: sums.checksum_sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transfer_coding_is_not_stored() {
        assert_eq!(content_encoding(Some("aws-chunked".into())), None);
        assert_eq!(content_encoding(Some("gzip, aws-chunked".into())).as_deref(), Some("gzip"));
        assert_eq!(content_encoding(None), None);
    }
}
