//! The consent log: entries under a contact's id that are only ever added.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity};
use chrono::{DateTime, Utc};
use model::{Consent, ContactId, TenantId};
use sha2::{Digest, Sha256};

use super::condition::condition_failed;
use super::{DynamoStore, Item};
use crate::sdk::store_error;
use crate::{ConsentEntry, StoreError};

const PREFIX: &str = "consent#";

/// Names the partition of everything that is logged of a contact.
pub(super) fn part(tenant: TenantId, contact: ContactId) -> Value {
    Value::S(format!("{tenant}#{contact}"))
}

impl DynamoStore {
    /// Adds a record to the log; the same record is kept once.
    pub(super) async fn log_consent(
        &self,
        tenant: TenantId,
        contact: ContactId,
        consent: &Consent,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let captured_ms = consent.captured_at.timestamp_millis();
        let mut hash = Sha256::new();
        for part in [&consent.source, &consent.method, &consent.text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let hash = hex::encode(hash.finalize().get(..8).unwrap_or_default());
        let text = |text: &str| Value::S(text.to_owned());
        let item = HashMap::from([
            ("contact".to_owned(), part(tenant, contact)),
            ("entry".to_owned(), Value::S(format!("{PREFIX}{captured_ms:015}#{hash}"))),
            ("source".to_owned(), text(&consent.source)),
            ("method".to_owned(), text(&consent.method)),
            ("text".to_owned(), text(&consent.text)),
            ("captured".to_owned(), Value::N(captured_ms.to_string())),
            ("recorded".to_owned(), Value::N(now.timestamp_millis().to_string())),
        ]);
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.activity)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(contact)")
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(answer) => self.wrote(answer.consumed_capacity()),
            // It is logged already, with the time at which it first came.
            Err(error) if condition_failed(&error) => {}
            Err(error) => return Err(store_error(error)),
        }
        Ok(())
    }

    /// Reads a contact's log, the oldest agreement first.
    pub(super) async fn consent_log(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> Result<Vec<ConsentEntry>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.tables.activity)
            .key_condition_expression("contact = :contact AND begins_with(entry, :prefix)")
            .expression_attribute_values(":contact", part(tenant, contact))
            .expression_attribute_values(":prefix", Value::S(PREFIX.to_owned()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .into_paginator()
            .send();
        let mut log = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            self.read(page.consumed_capacity());
            for item in page.items() {
                log.push(
                    entry(item).ok_or_else(|| {
                        StoreError::Malformed("a consent entry is of another form".to_owned())
                    })?,
                );
            }
        }
        Ok(log)
    }
}

fn entry(item: &Item) -> Option<ConsentEntry> {
    let text = |name: &str| Some(item.get(name)?.as_s().ok()?.clone());
    let moment = |name: &str| DateTime::from_timestamp_millis(item.get(name)?.as_n().ok()?.parse().ok()?);
    Some(ConsentEntry {
        consent: Consent {
            source: text("source")?,
            method: text("method")?,
            captured_at: moment("captured")?,
            text: text("text")?,
        },
        recorded_at: moment("recorded")?,
    })
}
