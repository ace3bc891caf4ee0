//! What is to tell of segments: an item of the config table for each write of members, in the same
//! transaction as that write.

use ::index::{Item as IndexItem, ItemKey, Nonce};
use aws_sdk_dynamodb::types::{
    AttributeValue as Value, Put, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use chrono::{DateTime, Utc};
use model::TenantId;

use super::schema::refused;
use super::{DynamoStore, Item, config_item, index};
use crate::sdk::store_error;
use crate::{SegmentClock, StoreError, TransitionStore, Transitions};

const CLOCK: &str = "segments";
const AT: &str = "at";
const LOOKED_AT: &str = "looked_at";

impl TransitionStore for DynamoStore {
    async fn advance_segments(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> Result<SegmentClock, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&tenant.to_string(), CLOCK)))
            .update_expression("SET #at = :now")
            .condition_expression("attribute_not_exists(#at) OR #at < :now")
            .expression_attribute_names("#at", AT)
            .expression_attribute_values(":now", millis(now))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match update.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(clock(answer.attributes()))
            }
            Err(error) => match error.as_service_error() {
                Some(aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(
                    failed,
                )) => Ok(clock(failed.item())),
                _ => Err(store_error(error)),
            },
        }
    }

    async fn segments_looked_at(&self, tenant: TenantId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&tenant.to_string(), CLOCK)))
            .update_expression("SET looked_at = :at")
            .expression_attribute_values(":at", millis(at))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = update.send().await.map_err(store_error)?;
        self.wrote(answer.consumed_capacity());
        Ok(())
    }

    async fn put_members(
        &self,
        tenant: TenantId,
        key: &ItemKey,
        members: IndexItem,
        seen: Option<Nonce>,
        tells: &Transitions,
    ) -> Result<bool, StoreError> {
        let put = Put::builder().table_name(&self.tables.index).set_item(Some(index::stored(key, members)));
        let put = match seen {
            None => put.condition_expression(index::IS_ABSENT),
            Some(nonce) => put
                .condition_expression(index::IS_AS_SEEN)
                .expression_attribute_values(":v", index::blob(&nonce)),
        };
        let put = TransactWriteItem::builder().put(put.build().map_err(refused)?).build();
        let tells = self.put_if_absent(config_item::to_item(&part(tenant), &entry(tells), tells)?)?;
        Ok(self.transact(vec![put, tells]).await?.is_none())
    }

    async fn untold(&self, tenant: TenantId) -> Result<Vec<Transitions>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.config)
            .key_condition_expression("part = :part")
            .expression_attribute_values(":part", Value::S(part(tenant)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let page = query.send().await.map_err(store_error)?;
        self.read(page.consumed_capacity());
        page.items.unwrap_or_default().into_iter().map(config_item::from_item).collect()
    }

    async fn told(&self, tenant: TenantId, transitions: &Transitions) -> Result<(), StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&part(tenant), &entry(transitions))))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = delete.send().await.map_err(store_error)?;
        self.wrote(answer.consumed_capacity());
        Ok(())
    }
}

fn part(tenant: TenantId) -> String {
    format!("{tenant}#out")
}

/// So that they lie in the order of time.
fn entry(transitions: &Transitions) -> String {
    format!("{:015}#{}", transitions.at.timestamp_millis(), transitions.id.simple())
}

fn millis(at: DateTime<Utc>) -> Value {
    Value::N(at.timestamp_millis().to_string())
}

fn clock(item: Option<&Item>) -> SegmentClock {
    let instant = |name: &str| {
        let millis = item?.get(name)?.as_n().ok()?.parse().ok()?;
        DateTime::from_timestamp_millis(millis)
    };
    SegmentClock { at: instant(AT), looked_at: instant(LOOKED_AT) }
}
