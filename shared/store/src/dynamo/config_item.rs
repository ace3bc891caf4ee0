//! How records lie in the config table: the key says what they are, serde the rest.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::condition::condition_failed;
use super::{DynamoStore, Item};
use crate::StoreError;
use crate::sdk::store_error;

/// Gives a key of the config table.
pub(super) fn key(part: &str, entry: &str) -> Item {
    HashMap::from([
        ("part".to_owned(), Value::S(part.to_owned())),
        ("entry".to_owned(), Value::S(entry.to_owned())),
    ])
}

/// Writes a record into an item.
pub(super) fn to_item(part: &str, entry: &str, record: &impl Serialize) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(record)
        .map_err(|e| StoreError::Malformed(e.to_string()))?;
    item.extend(key(part, entry));
    Ok(item)
}

/// Reads a record; the key is not part of it.
pub(super) fn from_item<T: DeserializeOwned>(mut item: Item) -> Result<T, StoreError> {
    for name in ["part", "entry", "expires"] {
        item.remove(name);
    }
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(|e| StoreError::Malformed(e.to_string()))
}

impl DynamoStore {
    /// Reads one record. Strongly consistent.
    pub(super) async fn config<T: DeserializeOwned>(
        &self,
        part: &str,
        entry: &str,
    ) -> Result<Option<T>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.config)
            .set_key(Some(key(part, entry)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(store_error)?;
        self.read(answer.consumed_capacity());
        answer.item.map(from_item).transpose()
    }

    /// Stores a record that is not there yet; false if it is.
    pub(super) async fn insert_config(
        &self,
        part: &str,
        entry: &str,
        record: &impl Serialize,
    ) -> Result<bool, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.config)
            .set_item(Some(to_item(part, entry, record)?))
            .condition_expression("attribute_not_exists(part)")
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(true)
            }
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(store_error(error)),
        }
    }
}
