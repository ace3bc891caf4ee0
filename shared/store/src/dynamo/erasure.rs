//! Erasure: of a person nothing is left but the keyed hash of the address.

use aws_sdk_dynamodb::types::{Delete, ReturnConsumedCapacity, TransactWriteItem};
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use model::{Contact, ContactId, Suppression, TenantId};

use super::addresses::Addresses;
use super::consent::part;
use super::schema::refused;
use super::{DynamoStore, Item};
use crate::StoreError;
use crate::contacts::Written;
use crate::sdk::store_error;

/// What a transaction takes, without the contact and its slot.
const ENTRIES_WITH_THE_CONTACT: usize = 100 - 2;
const DELETES_AT_ONCE: usize = 32;

impl DynamoStore {
    /// Erases a contact that was read. Its item, its slot and its log go in one transaction, so that
    /// no crash leaves a log under an id that nobody knows any more. What is too much for one
    /// goes before, the oldest facts first: they sort before every consent.
    pub(super) async fn erase_contact(
        &self,
        addresses: &Addresses,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        let (tenant, email) = (addresses.tenant, &contact.profile.email);
        let mut log = self.log_keys(tenant, contact.id).await?;
        let with_contact = log.split_off(log.len().saturating_sub(ENTRIES_WITH_THE_CONTACT));
        self.delete_entries(log).await?;

        let slot = self.remove_slot(tenant, contact.ordinal)?;
        let mut writes = vec![
            self.leave(addresses, contact, &Suppression::erased(now))?,
            TransactWriteItem::builder().update(slot).build(),
        ];
        for key in with_contact {
            let delete = Delete::builder().table_name(&self.tables.activity).set_key(Some(key));
            writes.push(TransactWriteItem::builder().delete(delete.build().map_err(refused)?).build());
        }
        if let Some(lost) = self.write_together(writes, &[email]).await? {
            return Ok(lost);
        }
        // A consent is logged before the write that it is for: one may have come meanwhile.
        self.delete_entries(self.log_keys(tenant, contact.id).await?).await?;
        Ok(Written::Done(Box::new(contact.clone())))
    }

    /// Lists what is logged of a contact. Strongly consistent.
    async fn log_keys(&self, tenant: TenantId, contact: ContactId) -> Result<Vec<Item>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.tables.activity)
            .key_condition_expression("contact = :contact")
            .expression_attribute_values(":contact", part(tenant, contact))
            .projection_expression("contact, entry")
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            self.read(page.consumed_capacity());
            keys.extend(page.items.unwrap_or_default());
        }
        Ok(keys)
    }

    async fn delete_entries(&self, keys: Vec<Item>) -> Result<(), StoreError> {
        let deletes = keys.into_iter().map(|key| async move {
            let delete = self
                .client
                .delete_item()
                .table_name(&self.tables.activity)
                .set_key(Some(key))
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = delete.send().await.map_err(store_error)?;
            self.wrote(answer.consumed_capacity());
            Ok(())
        });
        stream::iter(deletes).buffer_unordered(DELETES_AT_ONCE).try_collect().await
    }
}
