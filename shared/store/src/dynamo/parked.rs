//! Facts that wait for a contact: in the config table, where records expire, each address under a
//! key of its own.
//!
//! A note with the tenant tells until when anything may wait at all: for a tenant that parks
//! nothing, one read answers for a million contacts. It is written before the first fact, and again
//! each day on which facts are parked.

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};
use chrono::{DateTime, TimeDelta, Utc};
use model::scoring::{Fact, Position};
use model::{Email, Tenant, TenantId};

use super::addresses::{ADDRESS, Addresses};
use super::ledger::{entry, fact_of, set_fact};
use super::{DynamoStore, Item, config_item};
use crate::sdk::store_error;
use crate::{PARKED_FOR_DAYS, ParkedStore, StoreError};

impl ParkedStore for DynamoStore {
    async fn park(&self, tenant: &Tenant, email: &Email, fact: &Fact) -> Result<(), StoreError> {
        // Real time, as the table's: it removes what is expired.
        let expires = Utc::now() + TimeDelta::days(PARKED_FOR_DAYS);
        self.note_parking(tenant.id, expires).await?;
        let mut item = config_item::key(&part(tenant, email), &entry(&fact.position));
        set_fact(&mut item, fact);
        self.put_parked(item, expires).await
    }

    async fn parks(&self, tenant: TenantId) -> Result<bool, StoreError> {
        let note = self.get_item(&self.tables.config, note_key(tenant)).await?;
        Ok(note.is_some_and(|note| config_item::is_fresh(&note, Utc::now().timestamp())))
    }

    async fn parked(&self, tenant: &Tenant, email: &Email) -> Result<Vec<Fact>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.tables.config)
            .key_condition_expression("part = :part")
            .expression_attribute_values(":part", Value::S(part(tenant, email)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .into_paginator()
            .send();
        let now = Utc::now().timestamp();
        let mut facts = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            self.read(page.consumed_capacity());
            for item in page.items().iter().filter(|item| config_item::is_fresh(item, now)) {
                facts.push(fact_of(item)?);
            }
        }
        Ok(facts)
    }

    async fn unpark(&self, tenant: &Tenant, email: &Email, position: &Position) -> Result<(), StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&part(tenant, email), &entry(position))))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = delete.send().await.map_err(store_error)?;
        self.wrote(answer.consumed_capacity());
        Ok(())
    }
}

impl DynamoStore {
    /// Notes that something may wait at least until then, unless that is noted.
    async fn note_parking(&self, tenant: TenantId, until: DateTime<Utc>) -> Result<(), StoreError> {
        if self.parking.get(&tenant).is_some_and(|noted| noted >= until) {
            return Ok(());
        }
        let noted = until + TimeDelta::days(1);
        self.put_parked(note_key(tenant), noted).await?;
        self.parking.insert(tenant, noted);
        Ok(())
    }

    async fn put_parked(&self, mut item: Item, expires: DateTime<Utc>) -> Result<(), StoreError> {
        item.insert("expires".to_owned(), Value::N(expires.timestamp().to_string()));
        let put = self.client.put_item().table_name(&self.tables.config).set_item(Some(item));
        let put = put.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = put.send().await.map_err(store_error)?;
        self.wrote(answer.consumed_capacity());
        Ok(())
    }

    /// Forgets everything that waits for a contact with an address.
    pub(super) async fn forget_parked(&self, tenant: &Tenant, email: &Email) -> Result<(), StoreError> {
        for fact in self.parked(tenant, email).await? {
            self.unpark(tenant, email, &fact.position).await?;
        }
        Ok(())
    }
}

fn note_key(tenant: TenantId) -> Item {
    config_item::key(&format!("{tenant}#parked"), "until")
}

/// The hash and not the address: nobody may learn from it who was written to.
fn part(tenant: &Tenant, email: &Email) -> String {
    let key = Addresses::of(tenant).key(email);
    let hash = key.get(ADDRESS).and_then(|hash| hash.as_s().ok()).map(String::as_str);
    format!("{}#parked#{}", tenant.id, hash.unwrap_or_default())
}
