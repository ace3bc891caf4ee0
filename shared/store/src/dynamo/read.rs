//! Reads of items by their keys; of many, what the table could not answer at once is asked again.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};

use futures::{StreamExt, TryStreamExt, stream};

use super::schema::refused;
use super::{DynamoStore, Item};
use crate::StoreError;
use crate::sdk::store_error;

/// What one BatchGetItem takes.
const KEYS_A_CALL: usize = 100;
const CALLS_AT_ONCE: usize = 8;
const ROUNDS: u32 = 8;

impl DynamoStore {
    /// Gets one item. Strongly consistent.
    pub(super) async fn get_item(&self, table: &str, key: Item) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(table)
            .set_key(Some(key))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(store_error)?;
        self.read(answer.consumed_capacity());
        Ok(answer.item)
    }

    /// Gets the items that are there, in no order.
    pub(super) async fn batch_get(
        &self,
        table: &str,
        keys: Vec<Item>,
        consistent: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let calls: Vec<_> = keys
            .chunks(KEYS_A_CALL)
            .map(|keys| self.batch_get_some(table, keys.to_vec(), consistent))
            .collect();
        let calls = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE);
        Ok(calls.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
    }

    async fn batch_get_some(
        &self,
        table: &str,
        keys: Vec<Item>,
        consistent: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::with_capacity(keys.len());
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(consistent).build();
        let mut asked = HashMap::from([(table.to_owned(), keys.map_err(refused)?)]);
        for round in 0..ROUNDS {
            let answer = self
                .client
                .batch_get_item()
                .set_request_items(Some(asked))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(store_error)?;
            answer.consumed_capacity().iter().for_each(|used| self.read(Some(used)));
            items.extend(answer.responses.into_iter().flatten().flat_map(|(_, found)| found));
            match answer.unprocessed_keys.filter(|rest| !rest.is_empty()) {
                None => return Ok(items),
                Some(rest) => asked = rest,
            }
            tokio::time::sleep(Duration::from_millis(25 << round)).await;
        }
        Err(StoreError::Unavailable("the table left keys unread".into()))
    }
}
