use std::error::Error;

use lambda_runtime::Diagnostic;
use store::StoreError;
use uuid::Uuid;

/// Says why an event was not worked off. The same event may be delivered again: what was done is
/// not done twice.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A store did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A block of contacts could not be indexed to its end.
    #[error("a block of contacts was not indexed; deliver it again")]
    NotIndexed {
        /// Why.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// Contacts kept changing under the import.
    #[error("contacts changed too often while import `{job}` wrote them; deliver the range again")]
    Contended {
        /// The import.
        job: Uuid,
    },
    /// Another loader of the same range is ahead.
    #[error("another loader is ahead in range {range} of import `{job}`; look again later")]
    Overtaken {
        /// The import.
        job: Uuid,
        /// The range.
        range: u32,
    },
    /// A range came before its job was planned.
    #[error("import `{job}` is not planned yet; deliver the range again")]
    NotPlanned {
        /// The import.
        job: Uuid,
    },
    /// The counts of the ranges are not the rows of the file: a bug, and the job stays open.
    #[error("import `{job}` counted {counted} of {total} rows")]
    Unbalanced {
        /// The import.
        job: Uuid,
        /// What the ranges say.
        counted: u64,
        /// What planning found.
        total: u64,
    },
    /// The thread that reads the file died.
    #[error("reading the file broke off")]
    Reading(#[from] tokio::task::JoinError),
}

impl ImportError {
    /// Tells whether the next delivery is likely to pass, so that nobody needs to look.
    pub(crate) fn may_pass_later(&self) -> bool {
        match self {
            Self::Store(StoreError::Unavailable(_))
            | Self::Contended { .. }
            | Self::Overtaken { .. }
            | Self::NotPlanned { .. }
            | Self::NotIndexed { .. } => true,
            Self::Store(
                StoreError::TooLarge { .. }
                | StoreError::ObjectGone
                | StoreError::Malformed(_)
                | StoreError::Refused(_),
            )
            | Self::Unbalanced { .. }
            | Self::Reading(_) => false,
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

    /// Names the kind of failure to alarms.
    fn kind(&self) -> &'static str {
        match self {
            Self::Store(StoreError::Unavailable(_)) => "StoreUnavailable",
            Self::Store(StoreError::Refused(_)) => "StoreRefused",
            Self::Store(StoreError::Malformed(_)) => "MalformedRecord",
            Self::Store(StoreError::ObjectGone) => "ObjectGone",
            Self::Store(StoreError::TooLarge { .. }) => "RecordTooLarge",
            Self::Contended { .. } => "Contended",
            Self::Overtaken { .. } => "Overtaken",
            Self::NotPlanned { .. } => "NotPlanned",
            Self::NotIndexed { .. } => "NotIndexed",
            Self::Unbalanced { .. } => "CountsDoNotAddUp",
            Self::Reading(_) => "ReadingBrokeOff",
        }
    }
}

impl From<ImportError> for Diagnostic {
    fn from(error: ImportError) -> Self {
        Self { error_type: error.kind().to_owned(), error_message: error.with_causes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_a_chosen_type_and_tells_its_causes() {
        let cause = std::io::Error::other("connection reset");
        let diagnostic = Diagnostic::from(ImportError::from(StoreError::Unavailable(cause.into())));
        assert_eq!(diagnostic.error_type, "StoreUnavailable");
        assert_eq!(diagnostic.error_message, "the store is unavailable: connection reset");
    }
}
