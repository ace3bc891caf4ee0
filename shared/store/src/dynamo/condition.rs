//! What a failed condition tells.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::Item;
use crate::StoreError;
use crate::sdk::store_error;

/// Tells a failed condition from every other failure.
pub(super) fn condition_failed<E: ProvideErrorMetadata>(error: &SdkError<E, Response>) -> bool {
    error.as_service_error().and_then(|e| e.code()) == Some("ConditionalCheckFailedException")
}

/// Gives what stood in the way of a put, or the other failure.
pub(super) fn in_the_way_of_put(error: SdkError<PutItemError, Response>) -> Result<Option<Item>, StoreError> {
    match error.as_service_error() {
        Some(PutItemError::ConditionalCheckFailedException(failed)) => Ok(failed.item().cloned()),
        _ => Err(store_error(error)),
    }
}

/// Gives what stood in the way of a delete, or the other failure.
pub(super) fn in_the_way_of_delete(
    error: SdkError<DeleteItemError, Response>,
) -> Result<Option<Item>, StoreError> {
    match error.as_service_error() {
        Some(DeleteItemError::ConditionalCheckFailedException(failed)) => Ok(failed.item().cloned()),
        _ => Err(store_error(error)),
    }
}
