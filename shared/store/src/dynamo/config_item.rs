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

/// Tells whether a record is still good: the table removes those that expired in its own time.
pub(super) fn is_fresh(item: &Item, now: i64) -> bool {
    let expires = item.get("expires").and_then(|expires| expires.as_n().ok()?.parse().ok());
    expires.is_none_or(|expires: i64| expires > now)
}

impl DynamoStore {
    /// Reads one record. Strongly consistent.
    pub(super) async fn config<T: DeserializeOwned>(
        &self,
        part: &str,
        entry: &str,
    ) -> Result<Option<T>, StoreError> {
        let item = self.get_item(&self.tables.config, key(part, entry)).await?;
        item.map(from_item).transpose()
    }

    /// Reads the records of a part whose entries start alike (all with an empty prefix), in the order of their entries.
    /// Strongly consistent.
    pub(super) async fn config_list<T: DeserializeOwned>(
        &self,
        part: &str,
        prefix: &str,
    ) -> Result<Vec<T>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.config)
            .expression_attribute_values(":part", Value::S(part.to_owned()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        // An empty text is no value of a condition.
        let query = if prefix.is_empty() {
            query.key_condition_expression("part = :part")
        } else {
            query
                .key_condition_expression("part = :part AND begins_with(entry, :prefix)")
                .expression_attribute_values(":prefix", Value::S(prefix.to_owned()))
        };
        let mut pages = query.into_paginator().send();
        let mut records = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            self.read(page.consumed_capacity());
            for item in page.items.unwrap_or_default() {
                records.push(from_item(item)?);
            }
        }
        Ok(records)
    }

    /// Stores an item, whatever is there.
    pub(super) async fn put_config(&self, item: Item) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.tables.config).set_item(Some(item));
        let put = put.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = put.send().await.map_err(store_error)?;
        self.wrote(answer.consumed_capacity());
        Ok(())
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
