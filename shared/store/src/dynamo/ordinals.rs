//! Ordinals for new contacts: leased from one counter a tenant, never used twice.
//!
//! What a process leased and did not use is lost, which only leaves a hole; so leases are small
//! and short, except where a batch asks for more at once, or a loader for a block.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity, ReturnValue};
use model::{Ordinal, TenantId};
use tokio::sync::Mutex;

use super::{DynamoStore, config_item};
use crate::StoreError;
use crate::sdk::store_error;

const LEASE: u32 = 8;
const LEASED_FOR: Duration = Duration::from_secs(10);

/// Holds the ordinals that this process may still give out.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<TenantId, Lease>>);

#[derive(Debug)]
struct Lease {
    ordinals: std::ops::Range<u32>,
    expires: Instant,
}

impl DynamoStore {
    /// Takes `count` fresh ordinals.
    pub(super) async fn take_ordinals(
        &self,
        tenant: TenantId,
        count: usize,
    ) -> Result<Vec<Ordinal>, StoreError> {
        let count = u32::try_from(count).map_err(|e| StoreError::Refused(Box::new(e)))?;
        if count == 0 {
            return Ok(Vec::new());
        }
        // Held over the call: requests that come meanwhile share the lease instead of taking one each.
        let mut leases = self.leases.0.lock().await;
        leases.retain(|_, lease| lease.expires > Instant::now());
        if let Some(lease) = leases.get_mut(&tenant)
            && lease.ordinals.len() >= count as usize
        {
            return Ok(lease.ordinals.by_ref().take(count as usize).map(Ordinal).collect());
        }
        if count >= LEASE {
            return Ok(self.lease(tenant, count).await?.map(Ordinal).collect());
        }
        let mut ordinals = self.lease(tenant, LEASE).await?;
        let taken = ordinals.by_ref().take(count as usize).map(Ordinal).collect();
        leases.insert(tenant, Lease { ordinals, expires: Instant::now() + LEASED_FOR });
        Ok(taken)
    }

    /// Takes fresh ordinals that lie side by side, and gives the first.
    pub(super) async fn reserve_ordinals(&self, tenant: TenantId, count: u32) -> Result<Ordinal, StoreError> {
        Ok(Ordinal(self.lease(tenant, count).await?.start))
    }

    /// Tells the lowest ordinal that nobody leased yet.
    pub(super) async fn next_ordinal(&self, tenant: TenantId) -> Result<Ordinal, StoreError> {
        let key = config_item::key(&tenant.to_string(), "counters");
        let item = self.get_item(&self.tables.config, key).await?;
        item.map_or(Ok(Ordinal(0)), |item| counter(&item, "ordinals").map(Ordinal))
    }

    async fn lease(&self, tenant: TenantId, count: u32) -> Result<std::ops::Range<u32>, StoreError> {
        let end = self.count_up(tenant, "ordinals", count).await?;
        Ok(end - count..end)
    }

    /// Raises one of the tenant's counters and gives its new value.
    pub(super) async fn count_up(&self, tenant: TenantId, name: &str, by: u32) -> Result<u32, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&tenant.to_string(), "counters")))
            .update_expression("ADD #counter :by")
            .expression_attribute_names("#counter", name)
            .expression_attribute_values(":by", Value::N(by.to_string()))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(store_error)?;
        self.wrote(answer.consumed_capacity());
        answer.attributes().map_or_else(
            || Err(StoreError::Malformed("counters are gone".into())),
            |item| counter(item, name),
        )
    }
}

fn counter(item: &super::Item, name: &str) -> Result<u32, StoreError> {
    match item.get(name) {
        None => Ok(0),
        Some(value) => {
            value.as_n().ok().and_then(|digits| digits.parse().ok()).ok_or_else(|| {
                StoreError::Malformed(format!("the counter `{name}` is no number, or used up"))
            })
        }
    }
}
