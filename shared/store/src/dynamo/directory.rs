//! The directory: where the contact with an ordinal is.
//!
//! About 24 slots lie in one item of about 1 KB, each an attribute of its own, so that setting one
//! needs no read and a bulk import sets 24 with one write unit. A slot is written before its
//! contact: a crash between the two leaves a hole, never a contact that cannot be found. So a slot
//! proves nothing; whoever follows one compares the ordinal found there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity, Update};
use futures::{StreamExt, TryStreamExt, stream};
use model::{Email, Ordinal, TenantId};

use super::condition::condition_failed;
use super::schema::refused;
use super::{DynamoStore, Item};
use crate::StoreError;
use crate::sdk::store_error;

/// 24 addresses of usual length, with their names, stay under 1 KB.
pub(super) const SLOTS_A_CHUNK: u32 = 24;
pub(super) const PARTS: u32 = 16;
const WRITES_AT_ONCE: usize = 8;

/// Gives the key of a chunk; neighbours lie in different partitions.
pub(super) fn chunk_key(tenant: TenantId, chunk: u32) -> Item {
    HashMap::from([
        ("part".to_owned(), Value::S(part(tenant, chunk % PARTS))),
        ("chunk".to_owned(), Value::N(chunk.to_string())),
    ])
}

pub(super) fn part(tenant: TenantId, number: u32) -> String {
    format!("{tenant}#{number}")
}

pub(super) fn chunk_of(ordinal: Ordinal) -> u32 {
    ordinal.0 / SLOTS_A_CHUNK
}

fn slot_name(ordinal: Ordinal) -> String {
    format!("s{:02}", ordinal.0 % SLOTS_A_CHUNK)
}

/// Reads the slots of a chunk that hold an address, the highest ordinal first.
pub(super) fn slots(item: &Item) -> Result<Vec<(Ordinal, Email)>, StoreError> {
    let malformed = || StoreError::Malformed("a chunk of the directory is of another form".to_owned());
    let chunk: u32 =
        item.get("chunk").and_then(|value| value.as_n().ok()?.parse().ok()).ok_or_else(malformed)?;
    let mut slots = Vec::new();
    for number in (0..SLOTS_A_CHUNK).rev() {
        let ordinal = Ordinal(chunk * SLOTS_A_CHUNK + number);
        if let Some(value) = item.get(&slot_name(ordinal)) {
            let email = value.as_s().map_err(|_| malformed())?;
            slots.push((ordinal, Email::parse(email).map_err(|e| StoreError::Malformed(e.to_string()))?));
        }
    }
    Ok(slots)
}

impl DynamoStore {
    /// Points ordinals at the addresses of contacts that are about to be created.
    pub(super) async fn set_slots(
        &self,
        tenant: TenantId,
        slots: Vec<(Ordinal, Email)>,
    ) -> Result<(), StoreError> {
        let mut chunks: BTreeMap<u32, Vec<(Ordinal, Email)>> = BTreeMap::new();
        for (ordinal, email) in slots {
            chunks.entry(chunk_of(ordinal)).or_default().push((ordinal, email));
        }
        stream::iter(chunks)
            .map(|(chunk, slots)| self.set_chunk(tenant, chunk, slots))
            .buffer_unordered(WRITES_AT_ONCE)
            .try_collect()
            .await
    }

    async fn set_chunk(
        &self,
        tenant: TenantId,
        chunk: u32,
        slots: Vec<(Ordinal, Email)>,
    ) -> Result<(), StoreError> {
        let sets: Vec<String> = slots
            .iter()
            .map(|(ordinal, _)| slot_name(*ordinal))
            .map(|name| format!("{name} = :{name}"))
            .collect();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.directory)
            .set_key(Some(chunk_key(tenant, chunk)))
            .update_expression(format!("SET {}", sets.join(", ")))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        for (ordinal, email) in slots {
            update = update
                .expression_attribute_values(format!(":{}", slot_name(ordinal)), Value::S(email.into()));
        }
        let answer = update.send().await.map_err(store_error)?;
        self.wrote(answer.consumed_capacity());
        Ok(())
    }

    /// Empties the slot of a contact that is gone, unless it points elsewhere by now.
    pub(super) async fn clear_slot(
        &self,
        tenant: TenantId,
        ordinal: Ordinal,
        email: &Email,
    ) -> Result<(), StoreError> {
        let cleared = self
            .client
            .update_item()
            .table_name(&self.tables.directory)
            .set_key(Some(chunk_key(tenant, chunk_of(ordinal))))
            .update_expression("REMOVE #slot")
            .condition_expression("#slot = :email")
            .expression_attribute_names("#slot", slot_name(ordinal))
            .expression_attribute_values(":email", Value::S(email.to_string()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match cleared {
            Ok(answer) => self.wrote(answer.consumed_capacity()),
            Err(error) if condition_failed(&error) => {}
            Err(error) => return Err(store_error(error)),
        }
        Ok(())
    }

    /// Builds the part of a transaction that moves a slot to another address.
    pub(super) fn move_slot(
        &self,
        tenant: TenantId,
        ordinal: Ordinal,
        email: &Email,
    ) -> Result<Update, StoreError> {
        Update::builder()
            .table_name(&self.tables.directory)
            .set_key(Some(chunk_key(tenant, chunk_of(ordinal))))
            .update_expression("SET #slot = :email")
            .expression_attribute_names("#slot", slot_name(ordinal))
            .expression_attribute_values(":email", Value::S(email.to_string()))
            .build()
            .map_err(refused)
    }

    /// Reads the slots of ordinals, those that are set.
    pub(super) async fn slots_of(
        &self,
        tenant: TenantId,
        ordinals: &[Ordinal],
        consistent: bool,
    ) -> Result<Vec<(Ordinal, Email)>, StoreError> {
        let wanted: BTreeSet<Ordinal> = ordinals.iter().copied().collect();
        let chunks: BTreeSet<u32> = wanted.iter().copied().map(chunk_of).collect();
        let keys = chunks.into_iter().map(|chunk| chunk_key(tenant, chunk)).collect();
        let items = self.batch_get(&self.tables.directory, keys, consistent).await?;
        let mut found = Vec::with_capacity(wanted.len());
        for item in &items {
            found.extend(slots(item)?.into_iter().filter(|(ordinal, _)| wanted.contains(ordinal)));
        }
        Ok(found)
    }

    /// Shows every slot that is set, page by page, of all partitions side by side.
    pub(super) async fn each_slot(
        &self,
        tenant: TenantId,
        see: &mut (dyn FnMut(Ordinal, &Email) + Send),
    ) -> Result<(), StoreError> {
        let mut pages: Vec<(String, Option<Item>)> =
            (0..PARTS).map(|number| (part(tenant, number), None)).collect();
        while !pages.is_empty() {
            let calls: Vec<_> = pages.into_iter().map(|(part, after)| self.slots_page(part, after)).collect();
            let mut calls = stream::iter(calls).buffer_unordered(PARTS as usize);
            pages = Vec::new();
            while let Some((part, items, next)) = calls.try_next().await? {
                for item in &items {
                    slots(item)?.iter().for_each(|(ordinal, email)| see(*ordinal, email));
                }
                pages.extend(next.map(|next| (part, Some(next))));
            }
        }
        Ok(())
    }

    async fn slots_page(
        &self,
        part: String,
        after: Option<Item>,
    ) -> Result<(String, Vec<Item>, Option<Item>), StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.tables.directory)
            .key_condition_expression("part = :part")
            .expression_attribute_values(":part", Value::S(part.clone()))
            .set_exclusive_start_key(after)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(store_error)?;
        self.read(answer.consumed_capacity());
        Ok((part, answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Builds the part of a transaction that empties a slot.
    pub(super) fn remove_slot(&self, tenant: TenantId, ordinal: Ordinal) -> Result<Update, StoreError> {
        Update::builder()
            .table_name(&self.tables.directory)
            .set_key(Some(chunk_key(tenant, chunk_of(ordinal))))
            .update_expression("REMOVE #slot")
            .expression_attribute_names("#slot", slot_name(ordinal))
            .build()
            .map_err(refused)
    }

    /// Reads the address in a slot. Strongly consistent.
    pub(super) async fn slot(&self, tenant: TenantId, ordinal: Ordinal) -> Result<Option<Email>, StoreError> {
        let key = chunk_key(tenant, chunk_of(ordinal));
        let Some(item) = self.get_item(&self.tables.directory, key).await? else { return Ok(None) };
        Ok(slots(&item)?.into_iter().find(|(found, _)| *found == ordinal).map(|(_, email)| email))
    }
}
