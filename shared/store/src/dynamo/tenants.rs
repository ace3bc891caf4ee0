//! Tenants and their keys. A key lies under its hash, which is all that a request shows of it; the
//! tenant's own partition lists the hashes.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};
use chrono::NaiveDate;
use model::scoring::Published;
use model::{Generations, Settings, Tenant, TenantId, TenantSecret, TenantSlug};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::condition::condition_failed;
use super::{DynamoStore, Item, config_item};
use crate::sdk::store_error;
use crate::{ApiKey, KeyHash, StoreError, TenantStore};

/// Spreads the list of tenants.
const LISTS: u128 = 16;
const KEYS: &str = "key#";
const TOUCH: &str = "SET last_used_on = :day";

#[derive(Serialize, Deserialize)]
struct Slug {
    tenant: TenantId,
}

/// Is a key in the list of its tenant.
#[derive(Serialize, Deserialize)]
struct Listed {
    hash: String,
}

impl TenantStore for DynamoStore {
    async fn create_tenant(&self, tenant: &Tenant, hash: KeyHash, key: &ApiKey) -> Result<bool, StoreError> {
        let slug = Slug { tenant: tenant.id };
        let list = format!("tenants#{}", tenant.id.0.as_u128() % LISTS);
        let [found_by_hash, listed] = key_items(hash, key)?;
        let items = [
            config_item::to_item(&format!("slug#{}", tenant.slug), "slug", &slug)?,
            meta_item(tenant)?,
            config_item::to_item(&list, &tenant.id.to_string(), &slug)?,
            found_by_hash,
            listed,
        ];
        let writes = items.into_iter().map(|item| self.put_if_absent(item)).collect::<Result<_, _>>()?;
        match self.transact(writes).await? {
            None => Ok(true),
            Some(0) => Ok(false),
            Some(_) => Err(StoreError::Malformed("another tenant has this id or key".to_owned())),
        }
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        let key = config_item::key(&id.to_string(), "meta");
        let Some(item) = self.get_item(&self.tables.config, key).await? else { return Ok(None) };
        let tenant = tenant_of(id, &item);
        tenant.map(Some).ok_or_else(|| StoreError::Malformed(format!("the meta item of tenant {id}")))
    }

    async fn tenant_by_slug(&self, slug: &TenantSlug) -> Result<Option<Tenant>, StoreError> {
        match self.config::<Slug>(&format!("slug#{slug}"), "slug").await? {
            Some(found) => self.tenant(found.tenant).await,
            None => Ok(None),
        }
    }

    async fn save_settings(&self, tenant: TenantId, settings: &Settings) -> Result<bool, StoreError> {
        let key = config_item::key(&tenant.to_string(), "meta");
        self.set_where_it_is(key, "SET settings = :value", ":value", settings_value(settings)?).await
    }

    async fn save_generations(
        &self,
        tenant: TenantId,
        before: &Generations,
        after: &Generations,
    ) -> Result<bool, StoreError> {
        // A tenant whose index was never built anew has no such attribute.
        let is_as_read = if *before == Generations::default() {
            "attribute_exists(part) AND (attribute_not_exists(generations) OR generations = :before)"
        } else {
            "generations = :before"
        };
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&tenant.to_string(), "meta")))
            .update_expression("SET generations = :after")
            .condition_expression(is_as_read)
            .expression_attribute_values(":before", generations_value(before)?)
            .expression_attribute_values(":after", generations_value(after)?)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match update.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(true)
            }
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(store_error(error)),
        }
    }

    async fn api_key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        self.config(&by_hash(hash), "key").await
    }

    async fn put_api_key(&self, hash: KeyHash, key: &ApiKey) -> Result<(), StoreError> {
        let writes = key_items(hash, key)?.into_iter().map(|item| self.put_if_absent(item));
        let writes = writes.collect::<Result<_, _>>()?;
        // A condition that failed says that the key is there already.
        self.transact(writes).await.map(|_| ())
    }

    async fn api_keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, StoreError> {
        let listed: Vec<Listed> = self.config_list(&tenant.to_string(), KEYS).await?;
        let keys = listed.into_iter().map(|key| config_item::key(&format!("key#{}", key.hash), "key"));
        let items = self.batch_get(&self.tables.config, keys.collect(), true).await?;
        let mut keys =
            items.into_iter().map(config_item::from_item).collect::<Result<Vec<ApiKey>, StoreError>>()?;
        keys.sort_by_key(|key| (key.created_at, key.id));
        Ok(keys)
    }

    async fn revoke_api_key(&self, tenant: TenantId, id: Uuid) -> Result<Option<KeyHash>, StoreError> {
        let (part, entry) = (tenant.to_string(), format!("{KEYS}{id}"));
        let Some(listed) = self.config::<Listed>(&part, &entry).await? else { return Ok(None) };
        let hash = KeyHash::parse(&listed.hash)
            .ok_or_else(|| StoreError::Malformed(format!("the hash of key {id}")))?;
        let found_by_hash = config_item::key(&by_hash(hash), "key");
        let writes = vec![self.delete(found_by_hash)?, self.delete(config_item::key(&part, &entry))?];
        self.transact(writes).await?;
        Ok(Some(hash))
    }

    async fn touch_api_key(&self, hash: KeyHash, day: NaiveDate) -> Result<(), StoreError> {
        let key = config_item::key(&by_hash(hash), "key");
        self.set_where_it_is(key, TOUCH, ":day", Value::S(day.to_string())).await.map(|_| ())
    }
}

impl DynamoStore {
    /// Sets one attribute of an item of the config table; false if there is no such item.
    async fn set_where_it_is(
        &self,
        key: Item,
        expression: &str,
        name: &str,
        value: Value,
    ) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.config)
            .set_key(Some(key))
            .update_expression(expression)
            .condition_expression("attribute_exists(part)")
            .expression_attribute_values(name, value)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match update.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(true)
            }
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(store_error(error)),
        }
    }
}

fn by_hash(hash: KeyHash) -> String {
    format!("key#{hash}")
}

fn key_items(hash: KeyHash, key: &ApiKey) -> Result<[Item; 2], StoreError> {
    let listed = Listed { hash: hash.to_string() };
    Ok([
        config_item::to_item(&by_hash(hash), "key", key)?,
        config_item::to_item(&key.tenant.to_string(), &format!("{KEYS}{}", key.id), &listed)?,
    ])
}

fn settings_value(settings: &Settings) -> Result<Value, StoreError> {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(settings)
        .map_err(|e| StoreError::Malformed(e.to_string()))
}

/// As text, whose spelling is one: it is compared with what was read.
fn generations_value(generations: &Generations) -> Result<Value, StoreError> {
    let text = serde_json::to_string(generations).map_err(|e| StoreError::Malformed(e.to_string()))?;
    Ok(Value::S(text))
}

fn meta_item(tenant: &Tenant) -> Result<Item, StoreError> {
    let mut item = config_item::key(&tenant.id.to_string(), "meta");
    item.insert("slug".to_owned(), Value::S(tenant.slug.to_string()));
    item.insert("name".to_owned(), Value::S(tenant.name.clone()));
    item.insert("secret".to_owned(), Value::B(Blob::new(tenant.secret.as_bytes())));
    item.insert("settings".to_owned(), settings_value(&tenant.settings)?);
    Ok(item)
}

fn tenant_of(id: TenantId, item: &Item) -> Option<Tenant> {
    Some(Tenant {
        id,
        slug: TenantSlug::parse(item.get("slug")?.as_s().ok()?).ok()?,
        name: item.get("name")?.as_s().ok()?.clone(),
        secret: TenantSecret::new(item.get("secret")?.as_b().ok()?.as_ref().try_into().ok()?),
        settings: match item.get("settings") {
            Some(value) => serde_dynamo::aws_sdk_dynamodb_1::from_attribute_value(value.clone()).ok()?,
            None => Settings::default(),
        },
        scoring: match item.get("scoring") {
            Some(value) => serde_dynamo::aws_sdk_dynamodb_1::from_attribute_value(value.clone()).ok()?,
            None => Published::default(),
        },
        generations: match item.get("generations") {
            Some(value) => serde_json::from_str(value.as_s().ok()?).ok()?,
            None => Generations::default(),
        },
    })
}
