//! The search index's table. Names are as short as they get: they count in each of many small items.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue as Value, DeleteRequest, ReturnConsumedCapacity, WriteRequest};
use futures::{StreamExt, TryStreamExt, stream};
use index::{Found, IndexTable, Item as IndexItem, ItemKey, Nonce};

use super::condition::condition_failed;
use super::schema::refused;
use super::{DynamoStore, Item};
use crate::StoreError;
use crate::sdk::store_error;

const PARTITION: &str = "p";
const SORT: &str = "s";
const DATA: &str = "d";
const NONCE: &str = "v";

/// The conditions of a write.
pub(super) const IS_ABSENT: &str = "attribute_not_exists(p)";
pub(super) const IS_AS_SEEN: &str = "v = :v";

/// What one BatchWriteItem takes.
const REMOVALS_A_CALL: usize = 25;
const CALLS_AT_ONCE: usize = 8;
const ROUNDS: u32 = 8;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(640);

impl IndexTable for DynamoStore {
    type Error = StoreError;

    async fn get(&self, key: &ItemKey) -> Result<Option<IndexItem>, StoreError> {
        let found = self.get_item(&self.tables.index, dynamo_key(key)).await?;
        found.as_ref().map(index_item).transpose()
    }

    async fn get_many(&self, keys: &[ItemKey]) -> Result<Vec<Option<IndexItem>>, StoreError> {
        // BatchGetItem refuses a key that is asked for twice.
        let asked: BTreeSet<&ItemKey> = keys.iter().collect();
        let asked = asked.into_iter().map(dynamo_key).collect();
        let items = self.batch_get(&self.tables.index, asked, true).await?;
        let mut found = HashMap::with_capacity(items.len());
        for item in &items {
            found.insert((bytes(item, PARTITION)?, bytes(item, SORT)?), index_item(item)?);
        }
        Ok(keys.iter().map(|key| found.get(&(key.partition.to_vec(), key.sort.clone())).cloned()).collect())
    }

    async fn query(&self, partition: &[u8; 22], start: &[u8], most: usize) -> Result<Vec<Found>, StoreError> {
        let query = self.partition(partition, start).projection_expression("s, d");
        self.pages(query, most, |item| Ok(Some((bytes(item, SORT)?, bytes(item, DATA)?)))).await
    }

    async fn query_strong(
        &self,
        partition: &[u8; 22],
        start: &[u8],
        is_wanted: impl Fn(&[u8]) -> bool + Send + Sync,
    ) -> Result<Vec<(Vec<u8>, IndexItem)>, StoreError> {
        let query = self.partition(partition, start).consistent_read(true);
        let read = |item: &Item| {
            let sort = bytes(item, SORT)?;
            is_wanted(&sort).then(|| Ok((sort, index_item(item)?))).transpose()
        };
        self.pages(query, usize::MAX, read).await
    }

    async fn put(&self, key: &ItemKey, item: IndexItem, seen: Option<Nonce>) -> Result<bool, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.index)
            .set_item(Some(stored(key, item)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let put = match seen {
            None => put.condition_expression(IS_ABSENT),
            Some(nonce) => {
                put.condition_expression(IS_AS_SEEN).expression_attribute_values(":v", blob(&nonce))
            }
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

    async fn remove(&self, keys: &[ItemKey]) -> Result<(), StoreError> {
        let calls: Vec<_> = keys.chunks(REMOVALS_A_CALL).map(|keys| self.remove_some(keys)).collect();
        stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).try_collect().await
    }

    async fn pause(&self, attempt: u32) {
        let longest = FIRST_PAUSE.saturating_mul(1 << attempt.min(16)).min(LONGEST_PAUSE);
        let share = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
        tokio::time::sleep(longest.mul_f64(share)).await;
    }
}

impl DynamoStore {
    fn partition(&self, partition: &[u8; 22], start: &[u8]) -> QueryFluentBuilder {
        let query = self
            .client
            .query()
            .table_name(&self.tables.index)
            .expression_attribute_values(":p", blob(partition))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match start {
            [] => query.key_condition_expression("p = :p"),
            start => query
                .key_condition_expression("p = :p AND begins_with(s, :s)")
                .expression_attribute_values(":s", blob(start)),
        }
    }

    async fn remove_some(&self, keys: &[ItemKey]) -> Result<(), StoreError> {
        let request = |key: &ItemKey| {
            let delete = DeleteRequest::builder().set_key(Some(dynamo_key(key))).build().map_err(refused)?;
            Ok(WriteRequest::builder().delete_request(delete).build())
        };
        let requests = keys.iter().map(request).collect::<Result<Vec<_>, StoreError>>()?;
        let mut asked = HashMap::from([(self.tables.index.clone(), requests)]);
        for attempt in 0..ROUNDS {
            if attempt > 0 {
                self.pause(attempt).await;
            }
            let answer = self
                .client
                .batch_write_item()
                .set_request_items(Some(asked))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(store_error)?;
            answer.consumed_capacity().iter().for_each(|used| self.wrote(Some(used)));
            match answer.unprocessed_items.filter(|rest| !rest.is_empty()) {
                None => return Ok(()),
                Some(rest) => asked = rest,
            }
        }
        Err(StoreError::Unavailable("the table left items unremoved".into()))
    }

    /// Reads all pages, or as many as give more than `most` items.
    async fn pages<T>(
        &self,
        query: QueryFluentBuilder,
        most: usize,
        read: impl Fn(&Item) -> Result<Option<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        let mut pages = query.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            self.read(page.consumed_capacity());
            for item in page.items() {
                found.extend(read(item)?);
            }
            if found.len() > most {
                break;
            }
        }
        Ok(found)
    }
}

/// Gives an item as it is stored.
pub(super) fn stored(key: &ItemKey, item: IndexItem) -> Item {
    let mut stored = dynamo_key(key);
    stored.insert(DATA.to_owned(), Value::B(Blob::new(item.data)));
    stored.insert(NONCE.to_owned(), blob(&item.nonce));
    stored
}

fn index_item(item: &Item) -> Result<IndexItem, StoreError> {
    let nonce = bytes(item, NONCE)?.try_into().map_err(|_| malformed())?;
    Ok(IndexItem { data: bytes(item, DATA)?, nonce })
}

fn dynamo_key(key: &ItemKey) -> Item {
    Item::from([(PARTITION.to_owned(), blob(&key.partition)), (SORT.to_owned(), blob(&key.sort))])
}

pub(super) fn blob(bytes: &[u8]) -> Value {
    Value::B(Blob::new(bytes))
}

fn bytes(item: &Item, name: &str) -> Result<Vec<u8>, StoreError> {
    let value = item.get(name).and_then(|value| value.as_b().ok());
    value.map(|blob| blob.as_ref().to_vec()).ok_or_else(malformed)
}

fn malformed() -> StoreError {
    StoreError::Malformed("an item of the index is of another form".to_owned())
}
