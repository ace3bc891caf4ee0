//! Custom fields, each under its slug in the tenant's own partition: of two that define one slug
//! only one can win.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{AttributeValue as Value, Delete, ReturnConsumedCapacity, TransactWriteItem};
use model::{AttributeType, Field, FieldId, FieldSlug, Fields, Tenant};

use super::condition::condition_failed;
use super::schema::refused;
use super::{DynamoStore, config_item};
use crate::sdk::store_error;
use crate::{FieldStore, FieldWrite, Freshness, StoreError};

const PREFIX: &str = "field#";
/// Holds for the field that was read.
const AS_READ: &str = "id = :id AND revision = :revision";

impl FieldStore for DynamoStore {
    async fn fields(&self, tenant: &Tenant, freshness: Freshness) -> Result<Arc<Fields>, StoreError> {
        if freshness == Freshness::Cached
            && let Some(fields) = self.fields.get(&tenant.id)
        {
            return Ok(fields);
        }
        let fields: Vec<Field> = self.config_list(&tenant.id.to_string(), PREFIX).await?;
        let fields = Arc::new(Fields::from_iter(fields));
        self.fields.insert(tenant.id, fields.clone());
        Ok(fields)
    }

    async fn define_field(
        &self,
        tenant: &Tenant,
        slug: &FieldSlug,
        name: &str,
        kind: AttributeType,
    ) -> Result<Field, StoreError> {
        let (part, entry) = (tenant.id.to_string(), entry(slug));
        if let Some(field) = self.config(&part, &entry).await? {
            return Ok(field);
        }
        // A number that loses the race below is lost too; nothing refers to it.
        let field = Field::new(self.new_field_id(tenant, kind).await?, slug.clone(), name);
        if self.insert_field(tenant, &field).await? {
            return Ok(field);
        }
        let found = self.config(&part, &entry).await?;
        found.ok_or_else(|| StoreError::Malformed(format!("the field `{slug}` came and went")))
    }

    async fn new_field_id(&self, tenant: &Tenant, kind: AttributeType) -> Result<FieldId, StoreError> {
        let number = self.count_up(tenant.id, "fields", 1).await?;
        Ok(FieldId { kind, number })
    }

    async fn insert_field(&self, tenant: &Tenant, field: &Field) -> Result<bool, StoreError> {
        let inserted = self.insert_config(&tenant.id.to_string(), &entry(&field.slug), field).await?;
        self.fields.forget(&tenant.id);
        Ok(inserted)
    }

    async fn replace_field(
        &self,
        tenant: &Tenant,
        before: &Field,
        after: Field,
    ) -> Result<FieldWrite, StoreError> {
        let part = tenant.id.to_string();
        let (id, revision) = as_read(before);
        let after = Field { revision: before.revision + 1, ..after };
        let item = config_item::to_item(&part, &entry(&after.slug), &after)?;
        let written = if after.slug == before.slug {
            let put = self
                .client
                .put_item()
                .table_name(&self.tables.config)
                .set_item(Some(item))
                .condition_expression(AS_READ)
                .expression_attribute_values(":id", id)
                .expression_attribute_values(":revision", revision)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            match put.send().await {
                Ok(answer) => {
                    self.wrote(answer.consumed_capacity());
                    FieldWrite::Done
                }
                Err(error) if condition_failed(&error) => FieldWrite::Changed,
                Err(error) => return Err(store_error(error)),
            }
        } else {
            let leave = Delete::builder()
                .table_name(&self.tables.config)
                .set_key(Some(config_item::key(&part, &entry(&before.slug))))
                .condition_expression(AS_READ)
                .expression_attribute_values(":id", id)
                .expression_attribute_values(":revision", revision);
            let leave = TransactWriteItem::builder().delete(leave.build().map_err(refused)?).build();
            match self.transact(vec![leave, self.put_if_absent(item)?]).await? {
                None => FieldWrite::Done,
                Some(0) => FieldWrite::Changed,
                Some(_) => FieldWrite::SlugTaken,
            }
        };
        self.fields.forget(&tenant.id);
        Ok(written)
    }

    async fn remove_field(&self, tenant: &Tenant, field: &Field) -> Result<bool, StoreError> {
        let (id, revision) = as_read(field);
        let delete = self
            .client
            .delete_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&tenant.id.to_string(), &entry(&field.slug))))
            .condition_expression(AS_READ)
            .expression_attribute_values(":id", id)
            .expression_attribute_values(":revision", revision)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let removed = match delete.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                true
            }
            Err(error) if condition_failed(&error) => false,
            Err(error) => return Err(store_error(error)),
        };
        self.fields.forget(&tenant.id);
        Ok(removed)
    }
}

fn entry(slug: &FieldSlug) -> String {
    format!("{PREFIX}{slug}")
}

fn as_read(field: &Field) -> (Value, Value) {
    (Value::S(field.id.to_string()), Value::N(field.revision.to_string()))
}
