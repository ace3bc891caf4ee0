//! Scoring rules: each version an item of its tenant that never changes. Which one is in force says
//! the tenant's own item, in the same transaction.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{AttributeValue as Value, TransactWriteItem, Update};
use model::scoring::{Published, Refold, RefoldPlan, RefoldRange, ScoringRules};
use model::{Tenant, TenantId};
use serde::{Deserialize, Serialize};

use super::schema::refused;
use super::{DynamoStore, config_item};
use crate::{RulesStore, StoreError};

const PLAN: &str = "plan";
const RANGE: &str = "range#";

/// Holds rules as the JSON in which they came.
#[derive(Serialize, Deserialize)]
struct Stored {
    rules: String,
}

impl RulesStore for DynamoStore {
    async fn rules(&self, tenant: TenantId, version: u64) -> Result<Arc<ScoringRules>, StoreError> {
        if version == 0 {
            return Ok(Arc::new(ScoringRules::default()));
        }
        if let Some(rules) = self.rules.get(&(tenant, version)) {
            return Ok(rules);
        }
        let wrong = || StoreError::Malformed(format!("version {version} of the scoring rules"));
        let stored: Option<Stored> = self.config(&tenant.to_string(), &entry(version)).await?;
        let json = serde_json::from_str(&stored.ok_or_else(wrong)?.rules).map_err(|_| wrong())?;
        let rules = Arc::new(ScoringRules::from_json(&json, version).map_err(|_| wrong())?);
        self.rules.insert((tenant, version), rules.clone());
        Ok(rules)
    }

    async fn publish_rules(
        &self,
        tenant: &Tenant,
        published: Published,
        rules: &ScoringRules,
    ) -> Result<bool, StoreError> {
        let mut writes = vec![self.put_in_force(tenant, published)?];
        if published.version != tenant.scoring.version {
            let stored = Stored { rules: rules.to_json().to_string() };
            let item = config_item::to_item(&tenant.id.to_string(), &entry(published.version), &stored)?;
            writes.push(self.put_if_absent(item)?);
        }
        Ok(self.transact(writes).await?.is_none())
    }

    async fn plan_refold(
        &self,
        tenant: TenantId,
        version: u64,
        plan: &RefoldPlan,
    ) -> Result<RefoldPlan, StoreError> {
        let part = part(tenant, version);
        if self.insert_config(&part, PLAN, plan).await? {
            return Ok(*plan);
        }
        Ok(self.config(&part, PLAN).await?.unwrap_or(*plan))
    }

    async fn finish_refold_range(
        &self,
        tenant: TenantId,
        version: u64,
        range: &RefoldRange,
    ) -> Result<(), StoreError> {
        self.insert_config(&part(tenant, version), &range_entry(range.from), range).await.map(|_| ())
    }

    async fn refold_range(
        &self,
        tenant: TenantId,
        version: u64,
        from: u32,
    ) -> Result<Option<RefoldRange>, StoreError> {
        self.config(&part(tenant, version), &range_entry(from)).await
    }

    async fn refold(&self, tenant: TenantId, version: u64) -> Result<Option<Refold>, StoreError> {
        let part = part(tenant, version);
        let Some(plan) = self.config(&part, PLAN).await? else { return Ok(None) };
        Ok(Some(Refold { plan, ranges: self.config_list(&part, RANGE).await? }))
    }
}

impl DynamoStore {
    /// Plans to say what is in force, where that is still as it was read.
    fn put_in_force(&self, tenant: &Tenant, published: Published) -> Result<TransactWriteItem, StoreError> {
        let value = serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(published)
            .map_err(|e| StoreError::Malformed(e.to_string()))?;
        let update = Update::builder()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&tenant.id.to_string(), "meta")))
            .update_expression("SET scoring = :published")
            .expression_attribute_values(":published", value);
        let update = match tenant.scoring.revision {
            0 => update.condition_expression("attribute_exists(part) AND attribute_not_exists(scoring)"),
            revision => update
                .condition_expression("scoring.revision = :revision")
                .expression_attribute_values(":revision", Value::N(revision.to_string())),
        };
        Ok(TransactWriteItem::builder().update(update.build().map_err(refused)?).build())
    }
}

fn entry(version: u64) -> String {
    format!("scoring#{version:010}")
}

fn part(tenant: TenantId, version: u64) -> String {
    format!("{tenant}#refold#{version}")
}

fn range_entry(from: u32) -> String {
    format!("{RANGE}{from:010}")
}
