//! Changes of lists that go on behind the API: a job an item under its tenant, its names in items of
//! their own, all of which expire.

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};
use futures::{StreamExt, TryStreamExt, stream};
use model::TenantId;
use uuid::Uuid;

use super::condition::condition_failed;
use super::{DynamoStore, Item, config_item};
use crate::list_jobs::LIST_JOBS_LIVE_FOR;
use crate::sdk::store_error;
use crate::{ListJob, ListJobStore, NamedPart, StoreError};

const WRITES_AT_ONCE: usize = 16;

impl ListJobStore for DynamoStore {
    async fn start_list_job(
        &self,
        tenant: TenantId,
        job: &ListJob,
        names: &[NamedPart],
    ) -> Result<(), StoreError> {
        let part = names_part(tenant, job.id);
        let items = (0_u32..).zip(names).map(|(number, names)| {
            let item = config_item::to_item(&part, &entry(number), names)?;
            Ok(expiring(item, job))
        });
        let puts: Vec<_> =
            items.map(|item: Result<Item, StoreError>| async move { self.put_config(item?).await }).collect();
        stream::iter(puts).buffer_unordered(WRITES_AT_ONCE).try_collect::<()>().await?;
        self.put_config(expiring(config_item::to_item(&jobs_part(tenant), &job.id.to_string(), job)?, job))
            .await
    }

    async fn list_jobs(&self, tenant: TenantId) -> Result<Vec<ListJob>, StoreError> {
        let mut jobs: Vec<ListJob> = self.config_list(&jobs_part(tenant), "").await?;
        jobs.sort_unstable_by_key(|job| (std::cmp::Reverse(job.created_at), job.id));
        Ok(jobs)
    }

    async fn list_job(&self, tenant: TenantId, id: Uuid) -> Result<Option<ListJob>, StoreError> {
        self.config(&jobs_part(tenant), &id.to_string()).await
    }

    async fn save_list_job(&self, tenant: TenantId, job: &ListJob) -> Result<bool, StoreError> {
        let item = config_item::to_item(&jobs_part(tenant), &job.id.to_string(), job)?;
        let before = job.revision.saturating_sub(1);
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.config)
            .set_item(Some(expiring(item, job)))
            .condition_expression("revision = :before")
            .expression_attribute_values(":before", Value::N(before.to_string()))
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

    async fn named_part(
        &self,
        tenant: TenantId,
        id: Uuid,
        part: u32,
    ) -> Result<Option<NamedPart>, StoreError> {
        self.config(&names_part(tenant, id), &entry(part)).await
    }

    async fn forget_named_part(&self, tenant: TenantId, id: Uuid, part: u32) -> Result<(), StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&names_part(tenant, id), &entry(part))))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = delete.send().await.map_err(store_error)?;
        self.wrote(answer.consumed_capacity());
        Ok(())
    }
}

fn jobs_part(tenant: TenantId) -> String {
    format!("{tenant}#listjobs")
}

fn names_part(tenant: TenantId, id: Uuid) -> String {
    format!("{tenant}#listjob#{id}")
}

fn entry(part: u32) -> String {
    format!("{part:06}")
}

fn expiring(mut item: Item, job: &ListJob) -> Item {
    let expires = (job.created_at + LIST_JOBS_LIVE_FOR).timestamp();
    item.insert("expires".to_owned(), Value::N(expires.to_string()));
    item
}
