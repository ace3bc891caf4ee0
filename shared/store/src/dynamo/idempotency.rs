use aws_sdk_dynamodb::types::{
    AttributeValue as Value, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::condition::in_the_way_of_put;
use super::{DynamoStore, Item, config_item};
use crate::sdk::store_error;
use crate::{Begun, IdempotencyStore, Outcome, RequestKey, StoreError};

const PARTS: u8 = 16;
const KEPT_FOR_S: i64 = 24 * 60 * 60;
/// A function is stopped after 30 seconds; whoever did not finish within 60 is dead.
const RUNS_FOR_S: i64 = 60;

#[derive(Serialize, Deserialize)]
struct Record {
    /// Hash of the body, in hexadecimal.
    body: String,
    started: i64,
    /// Tells the request that began from others with its key.
    #[serde(default)]
    run: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
}

impl IdempotencyStore for DynamoStore {
    async fn begin(&self, key: &RequestKey) -> Result<Begun, StoreError> {
        let (now, run) = (Utc::now().timestamp(), Uuid::new_v4());
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.config)
            .set_item(Some(item(key, None, now, run)?))
            // Expiry is checked here, because the table removes expired records in its own time.
            .condition_expression(
                "attribute_not_exists(part) OR expires < :now \
                 OR (attribute_not_exists(outcome) AND started < :dead AND body = :body)",
            )
            .expression_attribute_values(":now", Value::N(now.to_string()))
            .expression_attribute_values(":dead", Value::N((now - RUNS_FOR_S).to_string()))
            .expression_attribute_values(":body", Value::S(hex::encode(key.body)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let found = match put {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                return Ok(Begun::Fresh);
            }
            Err(error) => in_the_way_of_put(error)?,
        };
        let record: Record = match found {
            Some(item) => config_item::from_item(item)?,
            None => return Ok(Begun::InProgress),
        };
        Ok(match record.outcome {
            _ if record.body != hex::encode(key.body) => Begun::OtherBody,
            Some(outcome) => Begun::Done(outcome),
            // Its own record: the answer to a first call was lost, and the SDK sent a second.
            None if record.run == run => Begun::Fresh,
            None => Begun::InProgress,
        })
    }

    async fn finish(&self, key: &RequestKey, outcome: &Outcome) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.config)
            .set_item(Some(item(key, Some(outcome.clone()), Utc::now().timestamp(), Uuid::nil())?))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = put.send().await.map_err(store_error)?;
        self.wrote(answer.consumed_capacity());
        Ok(())
    }

    async fn forget(&self, key: &RequestKey) -> Result<(), StoreError> {
        let (part, entry) = place(key);
        let delete = self
            .client
            .delete_item()
            .table_name(&self.tables.config)
            .set_key(Some(config_item::key(&part, &entry)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = delete.send().await.map_err(store_error)?;
        self.wrote(answer.consumed_capacity());
        Ok(())
    }
}

fn place(key: &RequestKey) -> (String, String) {
    let part = key.hash.first().copied().unwrap_or_default() % PARTS;
    (format!("{}#idem#{part}", key.tenant), hex::encode(key.hash))
}

fn item(key: &RequestKey, outcome: Option<Outcome>, now: i64, run: Uuid) -> Result<Item, StoreError> {
    let (part, entry) = place(key);
    let record = Record { body: hex::encode(key.body), started: now, run, outcome };
    let mut item = config_item::to_item(&part, &entry, &record)?;
    item.insert("expires".to_owned(), Value::N((now + KEPT_FOR_S).to_string()));
    Ok(item)
}
