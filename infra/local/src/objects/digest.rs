//! The checksums of a body: the MD5 that becomes the entity tag, and those its sender named.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use s3s::S3ErrorCode;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};

use super::attributes::Checksums;
use super::error::StorageError;

/// Sums up a body as it arrives.
pub(super) struct Digest {
    md5: Md5,
    chosen: ChecksumHasher,
}

/// Is what a whole body sums up to.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) md5: [u8; 16],
    pub(super) chosen: Checksums,
}

impl Digest {
    /// Computes the checksums that a request names: in a header, or, for a trailer whose
    /// value comes after the body, in `x-amz-trailer`.
    pub(super) fn named_by(headers: &HeaderMap) -> Self {
        let trailers = text(headers, "x-amz-trailer").unwrap_or_default().to_ascii_lowercase();
        let named = |name: &str| {
            headers.contains_key(name) || trailers.split(',').any(|trailer| trailer.trim() == name)
        };
        let chosen = ChecksumHasher {
            crc32: named("x-amz-checksum-crc32").then(Default::default),
            crc32c: named("x-amz-checksum-crc32c").then(Default::default),
            sha1: named("x-amz-checksum-sha1").then(Default::default),
            sha256: named("x-amz-checksum-sha256").then(Default::default),
            crc64nvme: named("x-amz-checksum-crc64nvme").then(Default::default),
        };
        Self { md5: Md5::new(), chosen }
    }

    /// Takes the next piece.
    pub(super) fn update(&mut self, piece: &[u8]) {
        self.md5.update(piece);
        self.chosen.update(piece);
    }

    /// Ends the body.
    pub(super) fn finish(self) -> Sums {
        Sums { md5: self.md5.finalize(), chosen: self.chosen.finalize().into() }
    }
}

impl Sums {
    /// Compares with what the sender said in headers or trailers.
    pub(super) fn verify(&self, headers: &HeaderMap, trailers: &HeaderMap) -> Result<(), StorageError> {
        if let Some(said) = text(headers, "content-md5") {
            let said = BASE64_STANDARD.decode(said).map_err(|_| {
                StorageError::refused(S3ErrorCode::InvalidDigest, "the Content-MD5 is not base64")
            })?;
            if said != self.md5 {
                return Err(bad_digest("the Content-MD5 does not match the body"));
            }
        }
        let computed = [
            ("x-amz-checksum-crc32", &self.chosen.crc32),
            ("x-amz-checksum-crc32c", &self.chosen.crc32c),
            ("x-amz-checksum-crc64nvme", &self.chosen.crc64nvme),
            ("x-amz-checksum-sha1", &self.chosen.sha1),
            ("x-amz-checksum-sha256", &self.chosen.sha256),
        ];
        for (name, computed) in computed {
            let Some(computed) = computed else { continue };
            match text(headers, name).or_else(|| text(trailers, name)) {
                Some(said) if said == computed => {}
                Some(_) => return Err(bad_digest("the checksum does not match the body")),
                // Announced in `x-amz-trailer`, then missing: the body was cut off.
                None => return Err(bad_digest("the checksum trailer is missing")),
            }
        }
        Ok(())
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn bad_digest(message: &'static str) -> StorageError {
    StorageError::refused(S3ErrorCode::BadDigest, message)
}
