use lambda_runtime::Diagnostic;
use store::StoreError;

/// Says why a batch of the stream was not taken on at all.
#[derive(Debug, thiserror::Error)]
pub enum IndexerError {
    /// It is no event of a DynamoDB stream.
    #[error("the event is no batch of a DynamoDB stream's records")]
    NotARecord,
    /// A tenant could not be read.
    #[error("a tenant could not be read: {0}")]
    Tenant(#[source] StoreError),
}

impl From<IndexerError> for Diagnostic {
    fn from(error: IndexerError) -> Self {
        let error_type = match error {
            IndexerError::NotARecord => "NotARecord",
            IndexerError::Tenant(_) => "StoreFailed",
        };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}
