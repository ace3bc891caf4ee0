//! Imports. A job lies under its tenant's jobs, in the order of time; its ranges, which loaders
//! write all the time, lie under the job.

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};
use model::TenantId;
use serde::Serialize;
use uuid::Uuid;

use super::condition::condition_failed;
use super::{DynamoStore, config_item};
use crate::sdk::store_error;
use crate::{Checkpoint, Job, JobStatus, JobStore, Range, StoreError};

fn jobs_part(tenant: TenantId) -> String {
    format!("{tenant}#jobs")
}

fn ranges_part(tenant: TenantId, job: Uuid) -> String {
    format!("{tenant}#job#{job}")
}

fn range_entry(number: u32) -> String {
    format!("range#{number:06}")
}

impl JobStore for DynamoStore {
    async fn create_job(&self, job: &Job) -> Result<bool, StoreError> {
        self.insert_config(&jobs_part(job.tenant), &job.id.to_string(), job).await
    }

    async fn job(&self, tenant: TenantId, id: Uuid) -> Result<Option<Job>, StoreError> {
        self.config(&jobs_part(tenant), &id.to_string()).await
    }

    async fn jobs(
        &self,
        tenant: TenantId,
        below: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Job>, StoreError> {
        let below = below.unwrap_or(Uuid::max()).to_string();
        let answer = self
            .client
            .query()
            .table_name(&self.tables.config)
            .key_condition_expression("part = :part AND entry < :below")
            .expression_attribute_values(":part", Value::S(jobs_part(tenant)))
            .expression_attribute_values(":below", Value::S(below))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(store_error)?;
        self.read(answer.consumed_capacity());
        answer.items.unwrap_or_default().into_iter().map(config_item::from_item).collect()
    }

    async fn save_job(&self, job: &Job, from: JobStatus) -> Result<bool, StoreError> {
        let id = job.id.to_string();
        let from = Value::S(from.as_str().to_owned());
        let (names, values) = (("#status", "status"), vec![(":from", from)]);
        self.replace(&jobs_part(job.tenant), &id, job, "#status = :from", names, values).await
    }

    async fn create_range(&self, range: &Range) -> Result<(), StoreError> {
        let part = ranges_part(range.tenant, range.job);
        self.insert_config(&part, &range_entry(range.number), range).await.map(|_| ())
    }

    async fn ranges(&self, tenant: TenantId, job: Uuid) -> Result<Vec<Range>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.tables.config)
            .key_condition_expression("part = :part")
            .expression_attribute_values(":part", Value::S(ranges_part(tenant, job)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .into_paginator()
            .send();
        let mut ranges = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            self.read(page.consumed_capacity());
            for item in page.items.unwrap_or_default() {
                ranges.push(config_item::from_item(item)?);
            }
        }
        Ok(ranges)
    }

    async fn save_checkpoint(&self, range: &Range, from: &Checkpoint) -> Result<bool, StoreError> {
        let part = ranges_part(range.tenant, range.job);
        let mut values = vec![(":from", Value::N(from.next_row.to_string()))];
        // What is to be indexed is noted without going on; nobody may write over such a note.
        let condition = match from.to_index {
            None => "#checkpoint.next_row = :from AND attribute_not_exists(#checkpoint.to_index)",
            Some((first, last)) => {
                let ends = [first, last].map(|ordinal| Value::N(ordinal.to_string()));
                values.push((":to_index", Value::L(ends.to_vec())));
                "#checkpoint.next_row = :from AND #checkpoint.to_index = :to_index"
            }
        };
        let names = ("#checkpoint", "checkpoint");
        self.replace(&part, &range_entry(range.number), range, condition, names, values).await
    }
}

impl DynamoStore {
    async fn replace(
        &self,
        part: &str,
        entry: &str,
        record: &impl Serialize,
        condition: &str,
        (name, attribute): (&str, &str),
        values: Vec<(&str, Value)>,
    ) -> Result<bool, StoreError> {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.config)
            .set_item(Some(config_item::to_item(part, entry, record)?))
            .condition_expression(condition)
            .expression_attribute_names(name, attribute)
            .set_expression_attribute_values(Some(values))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match put.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(true)
            }
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(store_error(error)),
        }
    }
}
