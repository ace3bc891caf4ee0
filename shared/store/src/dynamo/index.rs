//! The search index's table. Names are as short as they get: they count in each of many small items.

use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};
use index::{Found, IndexTable, Item as IndexItem, ItemKey, Nonce};

use super::condition::condition_failed;
use super::{DynamoStore, Item};
use crate::StoreError;
use crate::sdk::store_error;

const PARTITION: &str = "p";
const SORT: &str = "s";
const DATA: &str = "d";
const NONCE: &str = "v";

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(640);

impl IndexTable for DynamoStore {
    type Error = StoreError;

    async fn get(&self, key: &ItemKey) -> Result<Option<IndexItem>, StoreError> {
        let found = self.get_item(&self.tables.index, dynamo_key(key)).await?;
        found.map(|item| Ok(IndexItem { data: bytes(&item, DATA)?, nonce: nonce(&item)? })).transpose()
    }

    async fn query(&self, partition: &[u8; 22], start: &[u8]) -> Result<Vec<Found>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.index)
            .expression_attribute_values(":p", blob(partition))
            .projection_expression("s, d")
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.all_pages(match start {
            [] => query.key_condition_expression("p = :p"),
            start => query
                .key_condition_expression("p = :p AND begins_with(s, :s)")
                .expression_attribute_values(":s", blob(start)),
        })
        .await
    }

    async fn put(&self, key: &ItemKey, item: IndexItem, seen: Option<Nonce>) -> Result<bool, StoreError> {
        let mut stored = dynamo_key(key);
        stored.insert(DATA.to_owned(), Value::B(Blob::new(item.data)));
        stored.insert(NONCE.to_owned(), blob(&item.nonce));
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.index)
            .set_item(Some(stored))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let put = match seen {
            None => put.condition_expression("attribute_not_exists(p)"),
            Some(nonce) => put.condition_expression("v = :v").expression_attribute_values(":v", blob(&nonce)),
        };
        match put.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(true)
            }
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(store_error(error)),
        }
    }

    async fn pause(&self, attempt: u32) {
        let longest = FIRST_PAUSE.saturating_mul(1 << attempt.min(16)).min(LONGEST_PAUSE);
        let share = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
        tokio::time::sleep(longest.mul_f64(share)).await;
    }
}

impl DynamoStore {
    async fn all_pages(&self, query: QueryFluentBuilder) -> Result<Vec<Found>, StoreError> {
        let mut found = Vec::new();
        let mut pages = query.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            self.read(page.consumed_capacity());
            for item in page.items() {
                found.push((bytes(item, SORT)?, bytes(item, DATA)?));
            }
        }
        Ok(found)
    }
}

fn dynamo_key(key: &ItemKey) -> Item {
    Item::from([(PARTITION.to_owned(), blob(&key.partition)), (SORT.to_owned(), blob(&key.sort))])
}

fn blob(bytes: &[u8]) -> Value {
    Value::B(Blob::new(bytes))
}

fn bytes(item: &Item, name: &str) -> Result<Vec<u8>, StoreError> {
    let value = item.get(name).and_then(|value| value.as_b().ok());
    value.map(|blob| blob.as_ref().to_vec()).ok_or_else(malformed)
}

fn nonce(item: &Item) -> Result<Nonce, StoreError> {
    bytes(item, NONCE)?.try_into().map_err(|_| malformed())
}

fn malformed() -> StoreError {
    StoreError::Malformed("an item of the index is of another form".to_owned())
}
