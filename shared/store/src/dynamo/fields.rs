use std::sync::Arc;

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};
use model::{AttributeType, Field, FieldId, FieldSlug, Fields, Tenant};

use super::{DynamoStore, config_item};
use crate::sdk::store_error;
use crate::{FieldStore, Freshness, StoreError};

const PREFIX: &str = "field#";

impl FieldStore for DynamoStore {
    async fn fields(&self, tenant: &Tenant, freshness: Freshness) -> Result<Arc<Fields>, StoreError> {
        if freshness == Freshness::Cached
            && let Some(fields) = self.fields.get(&tenant.id).await
        {
            return Ok(fields);
        }
        let mut pages = self
            .client
            .query()
            .table_name(&self.tables.config)
            .key_condition_expression("part = :part AND begins_with(entry, :prefix)")
            .expression_attribute_values(":part", Value::S(tenant.id.to_string()))
            .expression_attribute_values(":prefix", Value::S(PREFIX.to_owned()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .into_paginator()
            .send();
        let mut fields = Fields::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            self.read(page.consumed_capacity());
            for item in page.items.unwrap_or_default() {
                fields.insert(config_item::from_item(item)?);
            }
        }
        let fields = Arc::new(fields);
        self.fields.insert(tenant.id, fields.clone()).await;
        Ok(fields)
    }

    async fn define_field(
        &self,
        tenant: &Tenant,
        slug: &FieldSlug,
        name: &str,
        kind: AttributeType,
    ) -> Result<Field, StoreError> {
        let part = tenant.id.to_string();
        let entry = format!("{PREFIX}{slug}");
        if let Some(field) = self.config(&part, &entry).await? {
            return Ok(field);
        }
        // A number that loses the race below is lost too; nothing refers to it.
        let number = self.count_up(tenant.id, "fields", 1).await?;
        let field = Field { id: FieldId { kind, number }, slug: slug.clone(), name: name.to_owned() };
        let winner = if self.insert_config(&part, &entry, &field).await? {
            field
        } else {
            let found = self.config(&part, &entry).await?;
            found.ok_or_else(|| StoreError::Malformed(format!("the field `{slug}` came and went")))?
        };
        self.fields.invalidate(&tenant.id).await;
        Ok(winner)
    }
}
