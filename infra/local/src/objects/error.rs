//! What the storage can answer besides success, and how S3 words it.

use s3s::{S3Error, S3ErrorCode};

use super::notify::BoxError;

/// Says why the storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Names a bucket that does not exist.
    #[error("no such bucket")]
    NoSuchBucket,
    /// Names an object that does not exist.
    #[error("no such key")]
    NoSuchKey,
    /// Names an upload that was never begun, or is completed or aborted.
    #[error("no such upload")]
    NoSuchUpload,
    /// Answers a condition on the present object that does not hold.
    #[error("at least one of the preconditions you specified did not hold")]
    PreconditionFailed,
    /// Carries a refusal that is already in S3's words.
    #[error("{message}")]
    Refused {
        /// S3's error code.
        code: S3ErrorCode,
        /// What the caller should know.
        message: &'static str,
    },
    /// Reports that another process has the directory open.
    #[error("the object directory is in use by another process")]
    InUse,
    /// Reports a failure of the metadata; whether a write took effect is unknown.
    #[error("object metadata: {0}")]
    Catalog(#[from] rusqlite::Error),
    /// Reports metadata that cannot be read or written as JSON.
    #[error("object attributes: {0}")]
    Attributes(#[from] serde_json::Error),
    /// Reports a failure of the content files.
    #[error("object content: {0}")]
    Content(#[from] std::io::Error),
    /// Reports that the delivery queue did not take or release a notification.
    #[error("object notification: {0}")]
    Notify(#[source] BoxError),
    /// Reports a panic or an ended runtime under a blocking piece of work.
    #[error("object storage task: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl StorageError {
    /// Builds a refusal in S3's words.
    pub(super) fn refused(code: S3ErrorCode, message: &'static str) -> Self {
        Self::Refused { code, message }
    }
}

impl From<StorageError> for S3Error {
    fn from(error: StorageError) -> Self {
        let code = match &error {
            StorageError::NoSuchBucket => S3ErrorCode::NoSuchBucket,
            StorageError::NoSuchKey => S3ErrorCode::NoSuchKey,
            StorageError::NoSuchUpload => S3ErrorCode::NoSuchUpload,
            StorageError::PreconditionFailed => S3ErrorCode::PreconditionFailed,
            StorageError::Refused { code, .. } => code.clone(),
            StorageError::InUse
            | StorageError::Catalog(_)
            | StorageError::Attributes(_)
            | StorageError::Content(_)
            | StorageError::Notify(_)
            | StorageError::Task(_) => {
                tracing::error!(error = %error, "object storage failed");
                return S3Error::with_message(S3ErrorCode::InternalError, "internal error");
            }
        };
        S3Error::with_message(code, error.to_string())
    }
}
