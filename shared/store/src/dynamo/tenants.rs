use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue as Value, Put, ReturnConsumedCapacity, TransactWriteItem};
use model::{Tenant, TenantId, TenantSecret, TenantSlug};
use serde::{Deserialize, Serialize};

use super::schema::refused;
use super::{DynamoStore, Item, config_item};
use crate::sdk::store_error;
use crate::{ApiKey, KeyHash, StoreError, TenantStore};

/// Spreads the list of tenants.
const LISTS: u128 = 16;

#[derive(Serialize, Deserialize)]
struct Slug {
    tenant: TenantId,
}

impl TenantStore for DynamoStore {
    async fn create_tenant(&self, tenant: &Tenant, hash: KeyHash, key: &ApiKey) -> Result<bool, StoreError> {
        let slug = Slug { tenant: tenant.id };
        let list = format!("tenants#{}", tenant.id.0.as_u128() % LISTS);
        let items = [
            config_item::to_item(&format!("slug#{}", tenant.slug), "slug", &slug)?,
            meta_item(tenant),
            config_item::to_item(&list, &tenant.id.to_string(), &slug)?,
            config_item::to_item(&format!("key#{hash}"), "key", key)?,
        ];
        let mut transaction =
            self.client.transact_write_items().return_consumed_capacity(ReturnConsumedCapacity::Total);
        for item in items {
            let put = Put::builder()
                .table_name(&self.tables.config)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(part)")
                .build()
                .map_err(refused)?;
            transaction = transaction.transact_items(TransactWriteItem::builder().put(put).build());
        }
        match transaction.send().await {
            Ok(answer) => {
                answer.consumed_capacity().iter().for_each(|used| self.wrote(Some(used)));
                Ok(true)
            }
            Err(error) => {
                let slug_taken = match error.as_service_error() {
                    Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled
                        .cancellation_reasons()
                        .first()
                        .is_some_and(|reason| reason.code() == Some("ConditionalCheckFailed")),
                    _ => false,
                };
                if slug_taken { Ok(false) } else { Err(store_error(error)) }
            }
        }
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&id.to_string(), "meta")))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(store_error)?;
        self.read(answer.consumed_capacity());
        let Some(item) = answer.item() else { return Ok(None) };
        let tenant = tenant_of(id, item);
        tenant.map(Some).ok_or_else(|| StoreError::Malformed(format!("the meta item of tenant {id}")))
    }

    async fn tenant_by_slug(&self, slug: &TenantSlug) -> Result<Option<Tenant>, StoreError> {
        match self.config::<Slug>(&format!("slug#{slug}"), "slug").await? {
            Some(found) => self.tenant(found.tenant).await,
            None => Ok(None),
        }
    }

    async fn api_key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        self.config(&format!("key#{hash}"), "key").await
    }

    async fn put_api_key(&self, hash: KeyHash, key: &ApiKey) -> Result<(), StoreError> {
        self.insert_config(&format!("key#{hash}"), "key", key).await.map(|_| ())
    }
}

fn meta_item(tenant: &Tenant) -> Item {
    let mut item = config_item::key(&tenant.id.to_string(), "meta");
    item.insert("slug".to_owned(), Value::S(tenant.slug.to_string()));
    item.insert("name".to_owned(), Value::S(tenant.name.clone()));
    item.insert("secret".to_owned(), Value::B(Blob::new(tenant.secret.as_bytes())));
    item
}

fn tenant_of(id: TenantId, item: &Item) -> Option<Tenant> {
    Some(Tenant {
        id,
        slug: TenantSlug::parse(item.get("slug")?.as_s().ok()?).ok()?,
        name: item.get("name")?.as_s().ok()?.clone(),
        secret: TenantSecret::new(item.get("secret")?.as_b().ok()?.as_ref().try_into().ok()?),
    })
}
