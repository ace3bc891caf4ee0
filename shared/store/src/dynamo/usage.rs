//! What tenants used: a partition a day, an item a record.

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity, ReturnValue};
use chrono::{NaiveDate, Utc};
use model::TenantId;
use serde_json::Value as Json;
use uuid::Uuid;

use super::condition::condition_failed;
use super::{DynamoStore, config_item};
use crate::sdk::store_error;
use crate::{DayUsage, QuotaStore, StoreError, UsageRecord, UsageStore};

/// The table removes a window's item in its own time; nobody asks for it after the window.
const QUOTA_KEPT_FOR_S: i64 = 3_600;

impl UsageStore for DynamoStore {
    async fn record_usage(
        &self,
        tenant: TenantId,
        day: NaiveDate,
        record: &UsageRecord,
    ) -> Result<(), StoreError> {
        let kind = serde_json::to_value(record.kind).ok();
        let kind = kind.as_ref().and_then(Json::as_str).unwrap_or_default();
        let item = config_item::to_item(&part(tenant, day), &format!("{kind}#{}", record.id), record)?;
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.config)
            .set_item(Some(item))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = put.send().await.map_err(store_error)?;
        self.wrote(answer.consumed_capacity());
        Ok(())
    }

    async fn day_usage(&self, tenant: TenantId, day: NaiveDate) -> Result<DayUsage, StoreError> {
        let records: Vec<UsageRecord> = self.config_list(&part(tenant, day), "").await?;
        Ok(records.into_iter().collect())
    }
}

impl QuotaStore for DynamoStore {
    async fn take_quota(
        &self,
        key: Uuid,
        window: u64,
        count: u32,
        quota: u32,
    ) -> Result<Option<u32>, StoreError> {
        let Some(room) = quota.checked_sub(count) else { return Ok(None) };
        let number = |value: i64| Value::N(value.to_string());
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&format!("quota#{key}"), &window.to_string())))
            .update_expression("ADD taken :count SET expires = :expires")
            .condition_expression("attribute_not_exists(taken) OR taken <= :room")
            .expression_attribute_values(":count", number(count.into()))
            .expression_attribute_values(":room", number(room.into()))
            .expression_attribute_values(":expires", number(Utc::now().timestamp() + QUOTA_KEPT_FOR_S))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match update.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                let taken = answer.attributes().and_then(|item| item.get("taken")?.as_n().ok()?.parse().ok());
                Ok(Some(taken.unwrap_or(quota)))
            }
            Err(error) if condition_failed(&error) => Ok(None),
            Err(error) => Err(store_error(error)),
        }
    }
}

fn part(tenant: TenantId, day: NaiveDate) -> String {
    format!("{tenant}#use#{day}")
}
