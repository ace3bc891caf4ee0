//! The walk over the suppressions of a tenant: shard by shard, past the contacts among them.

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};

use super::addresses::{ADDRESS, Addresses, SHARDS};
use super::contact_item::remembered;
use super::{DynamoStore, Item};
use crate::StoreError;
use crate::contacts::{SuppressionPage, SuppressionPlace};
use crate::sdk::store_error;

/// Bounds the work of one page where suppressions are sparse: each reads at most 1 MB.
const ROUNDS_A_PAGE: usize = 16;

impl DynamoStore {
    pub(super) async fn list_suppressions(
        &self,
        addresses: &Addresses,
        after: Option<SuppressionPlace>,
        limit: usize,
    ) -> Result<SuppressionPage, StoreError> {
        let (mut shard, mut from) = match after {
            Some(place) => read(&place)?,
            None => (0, None),
        };
        let mut suppressions = Vec::new();
        for _ in 0..ROUNDS_A_PAGE {
            if shard == SHARDS {
                return Ok(SuppressionPage { suppressions, next: None });
            }
            let (items, mut next) = self.tombstones(&addresses.shard(shard), from.take(), limit).await?;
            for item in &items {
                suppressions.extend(remembered(item)?);
                if suppressions.len() == limit {
                    next = address(item);
                    break;
                }
            }
            match next {
                Some(_) => from = next,
                None => shard += 1,
            }
            if suppressions.len() == limit {
                break;
            }
        }
        let next = (shard < SHARDS).then(|| written(shard, from));
        Ok(SuppressionPage { suppressions, next })
    }

    /// Reads on in one shard, and tells where that ended before its end.
    async fn tombstones(
        &self,
        shard: &str,
        after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<String>), StoreError> {
        let text = |text: &str| Value::S(text.to_owned());
        let start = after.map(|address| {
            Item::from([("tenant".to_owned(), text(shard)), (ADDRESS.to_owned(), Value::S(address))])
        });
        let answer = self
            .client
            .query()
            .table_name(&self.tables.contacts)
            .key_condition_expression("tenant = :shard")
            .filter_expression("attribute_exists(gone)")
            .expression_attribute_values(":shard", text(shard))
            .set_exclusive_start_key(start)
            // Where they lie side by side, no more is read than a few pages take.
            .limit(i32::try_from(limit.max(1_000)).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(store_error)?;
        self.read(answer.consumed_capacity());
        let next = answer.last_evaluated_key().and_then(address);
        Ok((answer.items.unwrap_or_default(), next))
    }
}

fn address(item: &Item) -> Option<String> {
    item.get(ADDRESS)?.as_s().ok().cloned()
}

fn written(shard: u8, after: Option<String>) -> SuppressionPlace {
    SuppressionPlace(format!("{shard}#{}", after.unwrap_or_default()))
}

fn read(place: &SuppressionPlace) -> Result<(u8, Option<String>), StoreError> {
    let read = || {
        let (shard, address) = place.0.split_once('#')?;
        Some((shard.parse().ok()?, (!address.is_empty()).then(|| address.to_owned())))
    };
    read().ok_or_else(|| StoreError::Malformed("the place of a suppression is of another form".to_owned()))
}
