//! Takes a request's body into a draft file, checked, in bounded memory.

use std::io::Write as _;
use std::sync::Arc;

use futures::StreamExt as _;
use http::HeaderMap;
use s3s::dto::StreamingBlob;
use s3s::{S3ErrorCode, S3Request};
use tempfile::NamedTempFile;

use super::digest::{Digest, Sums};
use super::error::StorageError;
use super::storage::{Storage, run};

/// How much is gathered before a blocking thread hashes and writes it.
const PIECE_BYTES: usize = 256 * 1024;

/// Is a whole body whose length and checksums are as the sender said.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) draft: NamedTempFile,
    pub(super) size_bytes: u64,
    pub(super) sums: Sums,
}

/// Reads `body` to its end.
///
/// # Errors
/// When it breaks off, or is not what its headers say; the draft is gone then.
pub(super) async fn receive<T>(
    storage: &Arc<Storage>,
    request: &S3Request<T>,
    body: Option<StreamingBlob>,
) -> Result<Received, StorageError> {
    let mut digest = Digest::named_by(&request.headers);
    let mut draft = run(storage, |storage| Ok(storage.contents.draft()?)).await?;
    let mut size_bytes = 0;
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    if let Some(mut body) = body {
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|error| broken(&*error))?;
            size_bytes += bytes.len() as u64;
            piece.extend_from_slice(&bytes);
            if piece.len() >= PIECE_BYTES {
                (digest, draft, piece) = append(storage, digest, draft, piece).await?;
            }
        }
    }
    (digest, draft, _) = append(storage, digest, draft, piece).await?;
    // A chunked body that lacks its last chunk ends without an error in s3s: compare.
    if expected_size(&request.headers).is_some_and(|expected| expected != size_bytes) {
        return Err(incomplete());
    }
    let trailers = request.trailing_headers.as_ref().and_then(s3s::TrailingHeaders::take).unwrap_or_default();
    let sums = digest.finish();
    sums.verify(&request.headers, &trailers)?;
    Ok(Received { draft, size_bytes, sums })
}

async fn append(
    storage: &Arc<Storage>,
    mut digest: Digest,
    mut draft: NamedTempFile,
    mut piece: Vec<u8>,
) -> Result<(Digest, NamedTempFile, Vec<u8>), StorageError> {
    run(storage, move |_| {
        digest.update(&piece);
        draft.write_all(&piece)?;
        piece.clear();
        Ok((digest, draft, piece))
    })
    .await
}

/// Gives the length of the content, which the chunk framing makes shorter than the body.
fn expected_size(headers: &HeaderMap) -> Option<u64> {
    let header = headers.get("x-amz-decoded-content-length").or_else(|| headers.get("content-length"))?;
    header.to_str().ok()?.parse().ok()
}

/// Words the end of a body that failed; most often nobody is left to read it.
fn broken(error: &(dyn std::error::Error + Send + Sync)) -> StorageError {
    tracing::debug!(error = %error, "object body broke off");
    // s3s keeps its stream errors private: their text is all there is to go by.
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        return StorageError::refused(
            S3ErrorCode::BadDigest,
            "the x-amz-content-sha256 does not match the body",
        );
    }
    if text.contains("SignatureMismatch") {
        return StorageError::refused(
            S3ErrorCode::SignatureDoesNotMatch,
            "the signature of a chunk does not match",
        );
    }
    incomplete()
}

fn incomplete() -> StorageError {
    StorageError::refused(S3ErrorCode::IncompleteBody, "the body is shorter or longer than its headers say")
}
