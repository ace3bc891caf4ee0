//! The places that a tenant's loaders have: an item each, held by a piece of work until a time.

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};
use chrono::{DateTime, Utc};
use model::TenantId;

use super::condition::condition_failed;
use super::{DynamoStore, Item, config_item};
use crate::sdk::store_error;
use crate::{LOADERS_A_TENANT, LoaderStore, StoreError};

/// Says who has a place.
struct Place {
    number: String,
    holder: String,
    /// In seconds, as the table's own expiry wants it.
    expires: i64,
}

impl LoaderStore for DynamoStore {
    async fn take_loader(
        &self,
        tenant: TenantId,
        work: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let places = self.loaders(tenant).await?;
        let at = |number: &str| places.iter().find(|place| place.number == number);
        let mut open: Vec<String> = (0..LOADERS_A_TENANT).map(|number| number.to_string()).collect();
        open.retain(|number| {
            at(number).is_none_or(|place| place.holder == work || place.expires < now.timestamp())
        });
        // A piece of work that comes again has one place, not two.
        open.sort_by_key(|number| at(number).is_none_or(|place| place.holder != work));
        for number in open {
            if self.hold(tenant, &number, work, now, until).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn leave_loader(&self, tenant: TenantId, work: &str) -> Result<(), StoreError> {
        for place in self.loaders(tenant).await?.iter().filter(|place| place.holder == work) {
            let delete = self
                .client
                .delete_item()
                .table_name(&self.tables.config)
                .set_key(Some(config_item::key(&part(tenant), &place.number)))
                .condition_expression("holder = :work")
                .expression_attribute_values(":work", Value::S(work.to_owned()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            match delete.send().await {
                Ok(answer) => self.wrote(answer.consumed_capacity()),
                // It took so long that somebody else has the place by now.
                Err(error) if condition_failed(&error) => {}
                Err(error) => return Err(store_error(error)),
            }
        }
        Ok(())
    }
}

impl DynamoStore {
    async fn loaders(&self, tenant: TenantId) -> Result<Vec<Place>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.tables.config)
            .key_condition_expression("part = :part")
            .expression_attribute_values(":part", Value::S(part(tenant)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(store_error)?;
        self.read(answer.consumed_capacity());
        let malformed = || StoreError::Malformed("the place of a loader is of another form".to_owned());
        answer.items().iter().map(|item| place(item).ok_or_else(malformed)).collect()
    }

    /// Takes one place, unless somebody else has it.
    async fn hold(
        &self,
        tenant: TenantId,
        number: &str,
        work: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let seconds = |at: DateTime<Utc>| Value::N(at.timestamp().to_string());
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&part(tenant), number)))
            .update_expression("SET holder = :work, expires = :until")
            .condition_expression("attribute_not_exists(holder) OR holder = :work OR expires < :now")
            .expression_attribute_values(":work", Value::S(work.to_owned()))
            .expression_attribute_values(":until", seconds(until))
            .expression_attribute_values(":now", seconds(now))
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

fn part(tenant: TenantId) -> String {
    format!("{tenant}#loaders")
}

fn place(item: &Item) -> Option<Place> {
    let text = |name: &str| Some(item.get(name)?.as_s().ok()?.clone());
    let expires = item.get("expires")?.as_n().ok()?.parse().ok()?;
    Some(Place { number: text("entry")?, holder: text("holder")?, expires })
}
