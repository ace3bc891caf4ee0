//! Several writes of the config table, all or nothing.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, Put, ReturnConsumedCapacity, TransactWriteItem};

use super::schema::refused;
use super::{DynamoStore, Item};
use crate::StoreError;
use crate::sdk::store_error;

impl DynamoStore {
    /// Plans a record that is not there yet.
    pub(super) fn put_if_absent(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.config)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(part)");
        Ok(TransactWriteItem::builder().put(put.build().map_err(refused)?).build())
    }

    /// Plans to remove a record that is there.
    pub(super) fn delete(&self, key: Item) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.tables.config)
            .set_key(Some(key))
            .condition_expression("attribute_exists(part)");
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(refused)?).build())
    }

    /// Carries writes out, or gives the place of the first whose condition failed.
    pub(super) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Option<usize>, StoreError> {
        let transaction = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let error = match transaction.send().await {
            Ok(answer) => {
                answer.consumed_capacity().iter().for_each(|used| self.wrote(Some(used)));
                return Ok(None);
            }
            Err(error) => error,
        };
        let failed = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled
                .cancellation_reasons()
                .iter()
                .position(|reason| reason.code() == Some("ConditionalCheckFailed")),
            _ => None,
        };
        failed.map(Some).ok_or_else(|| store_error(error))
    }
}
