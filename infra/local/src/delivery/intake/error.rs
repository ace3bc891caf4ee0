//! The errors of the SQS API in the shape its clients read.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::delivery::error_text;
use crate::delivery::mailbox::MailboxError;

#[derive(Debug, thiserror::Error)]
pub(super) enum SqsError {
    #[error("the specified queue does not exist")]
    NoQueue,
    #[error("the batch request does not contain any entries")]
    EmptyBatch,
    #[error("a call may have 1 to 10 events, not {0}")]
    EntryCount(usize),
    #[error("a batch may have 10 entries, not {0}")]
    TooManyEntries(usize),
    #[error("two entries have the id `{0}`")]
    SameIds(String),
    #[error("an entry id has 1 to 80 letters, digits, hyphens or underscores")]
    InvalidEntryId,
    #[error("the bodies of a batch may have 1048576 bytes together, not {0}")]
    BatchTooLong(usize),
    #[error("a message must be shorter than 1048576 bytes")]
    MessageTooLong,
    #[error("the request must contain the parameter `MessageBody`")]
    NoBody,
    #[error("unknown attribute `{0}`")]
    UnknownAttribute(String),
    #[error("the local queues do not support `{0}`")]
    Unsupported(&'static str),
    #[error("unknown operation `{0}`")]
    UnknownOperation(String),
    #[error("cannot read the request: {0}")]
    Unreadable(#[source] serde_json::Error),
    #[error("internal error")]
    Mailbox(#[from] MailboxError),
}

impl SqsError {
    /// Returns the error's type in the JSON protocol and its code in the former query
    /// protocol; the clients go by the latter, from a header.
    fn codes(&self) -> (&'static str, &'static str) {
        match self {
            SqsError::NoQueue => ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
            SqsError::EntryCount(_) => ("ValidationException", "ValidationException"),
            SqsError::EmptyBatch => ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"),
            SqsError::TooManyEntries(_) => {
                ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
            }
            SqsError::SameIds(_) => {
                ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
            }
            SqsError::InvalidEntryId => ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId"),
            SqsError::BatchTooLong(_) => {
                ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong")
            }
            SqsError::MessageTooLong => ("InvalidParameterValueException", "InvalidParameterValue"),
            SqsError::NoBody => ("MissingRequiredParameterException", "MissingParameter"),
            SqsError::UnknownAttribute(_) => ("InvalidAttributeName", "InvalidAttributeName"),
            SqsError::Unsupported(_) => {
                ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation")
            }
            SqsError::UnknownOperation(_) => ("UnknownOperationException", "InvalidAction"),
            SqsError::Unreadable(_) => ("SerializationException", "MalformedInput"),
            SqsError::Mailbox(_) => ("InternalFailure", "InternalFailure"),
        }
    }
}

impl IntoResponse for SqsError {
    fn into_response(self) -> Response {
        let (kind, code) = self.codes();
        let (status, fault) = match &self {
            SqsError::Mailbox(error) => {
                tracing::error!(error = error_text(error), "the SQS intake failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "Receiver")
            }
            _ => (StatusCode::BAD_REQUEST, "Sender"),
        };
        let body = json!({ "__type": format!("com.amazonaws.sqs#{kind}"), "message": self.to_string() });
        let headers = [
            (header::CONTENT_TYPE.as_str(), super::CONTENT_TYPE.to_owned()),
            ("x-amzn-query-error", format!("{code};{fault}")),
        ];
        (status, headers, body.to_string()).into_response()
    }
}
