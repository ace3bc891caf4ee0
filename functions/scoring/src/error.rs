use std::error::Error;

use lambda_runtime::Diagnostic;
use store::StoreError;

/// Says why events were not recorded; deliver them again.
#[derive(Debug, thiserror::Error)]
pub enum ScoringError {
    /// A store did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The contact kept changing.
    #[error("the contact changed too often while its events were recorded")]
    Contended,
    /// An answer could not be written.
    #[error("the answer cannot be written")]
    Answer(#[from] serde_json::Error),
}

impl ScoringError {
    /// Tells whether the next delivery is likely to pass, so that nobody needs to look.
    pub(crate) fn may_pass_later(&self) -> bool {
        match self {
            Self::Store(StoreError::Unavailable(_)) | Self::Contended => true,
            Self::Store(
                StoreError::TooLarge { .. }
                | StoreError::ObjectGone
                | StoreError::Malformed(_)
                | StoreError::Refused(_),
            )
            | Self::Answer(_) => false,
        }
    }

    /// Tells the failure with everything that led to it, for the log.
    pub(crate) fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        text
    }
}

impl From<ScoringError> for Diagnostic {
    fn from(error: ScoringError) -> Self {
        let kind = match &error {
            ScoringError::Store(_) => "StoreFailed",
            ScoringError::Contended => "Contended",
            ScoringError::Answer(_) => "AnswerNotWritten",
        };
        Self { error_type: kind.to_owned(), error_message: error.with_causes() }
    }
}
