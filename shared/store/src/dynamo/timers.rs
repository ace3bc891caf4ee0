//! Timers, each an item in one of 16 partitions of the config table: what is due is found by reading
//! those, however many tenants there are that have none.

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use model::TenantId;
use uuid::Uuid;

use super::condition::condition_failed;
use super::{DynamoStore, Item, config_item};
use crate::sdk::store_error;
use crate::{StoreError, TimedTask, Timer, TimerStore};

const PARTS: u8 = 16;

impl TimerStore for DynamoStore {
    async fn set_timer(&self, timer: &Timer) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.config)
            .set_key(Some(key(timer)))
            .update_expression("SET due = :due")
            .condition_expression("attribute_not_exists(due) OR due > :due")
            .expression_attribute_values(":due", ms(timer.due_at))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match update.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(())
            }
            Err(error) if condition_failed(&error) => Ok(()),
            Err(error) => Err(store_error(error)),
        }
    }

    async fn due_timers(&self, now: DateTime<Utc>) -> Result<Vec<Timer>, StoreError> {
        Ok(try_join_all((0..PARTS).map(|number| self.due_timers_of(number, now))).await?.concat())
    }

    async fn move_timer(&self, read: &Timer, to: Option<DateTime<Utc>>) -> Result<bool, StoreError> {
        let due = ms(read.due_at);
        match to {
            Some(to) => {
                let update = self
                    .client
                    .update_item()
                    .table_name(&self.tables.config)
                    .set_key(Some(key(read)))
                    .update_expression("SET due = :to")
                    .condition_expression("due = :due")
                    .expression_attribute_values(":due", due)
                    .expression_attribute_values(":to", ms(to))
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                match update.send().await {
                    Ok(answer) => self.wrote(answer.consumed_capacity()),
                    Err(error) => return was_set_since(error),
                }
            }
            None => {
                let delete = self
                    .client
                    .delete_item()
                    .table_name(&self.tables.config)
                    .set_key(Some(key(read)))
                    .condition_expression("due = :due")
                    .expression_attribute_values(":due", due)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                match delete.send().await {
                    Ok(answer) => self.wrote(answer.consumed_capacity()),
                    Err(error) => return was_set_since(error),
                }
            }
        }
        Ok(true)
    }
}

fn was_set_since<E>(error: SdkError<E, Response>) -> Result<bool, StoreError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if condition_failed(&error) { Ok(false) } else { Err(store_error(error)) }
}

impl DynamoStore {
    async fn due_timers_of(&self, number: u8, now: DateTime<Utc>) -> Result<Vec<Timer>, StoreError> {
        // Not strongly: who sees a timer that was moved meanwhile finds out when moving it.
        let query = self
            .client
            .query()
            .table_name(&self.tables.config)
            .key_condition_expression("part = :part")
            .filter_expression("due <= :now")
            .expression_attribute_values(":part", Value::S(part(number)))
            .expression_attribute_values(":now", ms(now))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut pages = query.into_paginator().send();
        let mut timers = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            self.read(page.consumed_capacity());
            for item in page.items() {
                let malformed = || StoreError::Malformed("a timer is of another form".to_owned());
                timers.push(timer(item).ok_or_else(malformed)?);
            }
        }
        Ok(timers)
    }
}

fn part(number: u8) -> String {
    format!("timers#{number}")
}

fn key(timer: &Timer) -> Item {
    let [.., last] = *timer.tenant.0.as_bytes();
    config_item::key(&part(last % PARTS), &format!("{}#{}", timer.tenant, timer.task.as_str()))
}

fn ms(at: DateTime<Utc>) -> Value {
    Value::N(at.timestamp_millis().to_string())
}

fn timer(item: &Item) -> Option<Timer> {
    let (tenant, task) = item.get("entry")?.as_s().ok()?.split_once('#')?;
    let due = item.get("due")?.as_n().ok()?.parse().ok()?;
    Some(Timer {
        tenant: TenantId(Uuid::parse_str(tenant).ok()?),
        task: TimedTask::ALL.into_iter().find(|known| known.as_str() == task)?,
        due_at: DateTime::from_timestamp_millis(due)?,
    })
}
