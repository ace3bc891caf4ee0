use std::error::Error;

use lambda_runtime::Diagnostic;
use scoring::ScoringError;
use store::StoreError;

/// Says why the clock did not do what is due; it is due again.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// A store or a queue did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Scores did not decay.
    #[error(transparent)]
    Scoring(#[from] ScoringError),
    /// An answer could not be written.
    #[error("the answer cannot be written")]
    Answer(#[from] serde_json::Error),
}

impl ClockError {
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

impl From<ClockError> for Diagnostic {
    fn from(error: ClockError) -> Self {
        let kind = match &error {
            ClockError::Store(_) => "StoreFailed",
            ClockError::Scoring(_) => "ScoresNotDecayed",
            ClockError::Answer(_) => "AnswerNotWritten",
        };
        Self { error_type: kind.to_owned(), error_message: error.with_causes() }
    }
}
