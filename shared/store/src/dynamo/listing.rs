//! The walk over all contacts of a tenant, from the newest ordinal down.

use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnConsumedCapacity, Select};
use futures::{StreamExt, TryStreamExt, stream};
use model::{Contact, Email, Ordinal, Standing, TenantId};

use super::DynamoStore;
use super::addresses::{Addresses, SHARDS, by_address};
use super::contact_item::standing;
use super::directory::{PARTS, SLOTS_A_CHUNK, chunk_key, chunk_of, part, slots};
use crate::sdk::store_error;
use crate::{ContactPage, StoreError};

/// Bounds the work of one page where contacts are sparse: it ends early, with a place to go on.
const ROUNDS_A_PAGE: usize = 8;

impl DynamoStore {
    pub(super) async fn list(
        &self,
        addresses: &Addresses,
        below: Option<Ordinal>,
        limit: usize,
    ) -> Result<ContactPage, StoreError> {
        let tenant = addresses.tenant;
        let mut below = match below {
            Some(below) => below,
            None => self.next_ordinal(tenant).await?,
        };
        let mut contacts = Vec::new();
        for _ in 0..ROUNDS_A_PAGE {
            if below.0 == 0 {
                return Ok(ContactPage { contacts, next_below: None });
            }
            let missing = limit - contacts.len();
            let (mut slots, lowest) = self.slots_below(tenant, below, missing).await?;
            if slots.is_empty() {
                // A hole, or the start: ask where the next chunk with anything in it is.
                below = match self.highest_chunk_below(tenant, chunk_of(lowest)).await? {
                    Some(chunk) => Ordinal((chunk + 1) * SLOTS_A_CHUNK),
                    None => Ordinal(0),
                };
                continue;
            }
            let cut = slots.len() > missing;
            slots.truncate(missing);
            below = match slots.last() {
                Some((ordinal, _)) if cut => *ordinal,
                _ => lowest,
            };
            contacts.extend(self.contacts_in(addresses, slots, false).await?);
            if contacts.len() == limit {
                break;
            }
        }
        Ok(ContactPage { contacts, next_below: (below.0 > 0).then_some(below) })
    }

    /// Reads enough chunks for `count` contacts, and tells down to where that went.
    async fn slots_below(
        &self,
        tenant: TenantId,
        below: Ordinal,
        count: usize,
    ) -> Result<(Vec<(Ordinal, Email)>, Ordinal), StoreError> {
        let top = chunk_of(Ordinal(below.0 - 1));
        let chunks = u32::try_from(count).unwrap_or(u32::MAX).div_ceil(SLOTS_A_CHUNK) + 1;
        let bottom = (top + 1).saturating_sub(chunks);
        let keys = (bottom..=top).map(|chunk| chunk_key(tenant, chunk)).collect();
        let items = self.batch_get(&self.tables.directory, keys, false).await?;
        let mut found = Vec::new();
        for item in &items {
            found.extend(slots(item)?.into_iter().filter(|(ordinal, _)| *ordinal < below));
        }
        found.sort_unstable_by_key(|(ordinal, _)| std::cmp::Reverse(*ordinal));
        Ok((found, Ordinal(bottom * SLOTS_A_CHUNK)))
    }

    async fn highest_chunk_below(&self, tenant: TenantId, chunk: u32) -> Result<Option<u32>, StoreError> {
        let found: Vec<Option<u32>> = stream::iter(0..PARTS)
            .map(|number| self.highest_chunk_in(part(tenant, number), chunk))
            .buffer_unordered(PARTS as usize)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().max())
    }

    async fn highest_chunk_in(&self, part: String, below: u32) -> Result<Option<u32>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.tables.directory)
            .key_condition_expression("part = :part AND chunk < :below")
            .expression_attribute_values(":part", Value::S(part))
            .expression_attribute_values(":below", Value::N(below.to_string()))
            .projection_expression("chunk")
            .scan_index_forward(false)
            .limit(1)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(store_error)?;
        self.read(answer.consumed_capacity());
        Ok(answer.items().first().and_then(|item| item.get("chunk")?.as_n().ok()?.parse().ok()))
    }

    /// Counts the contacts that are there, by reading all of them: what is derived cannot drift.
    pub(super) async fn count_contacts(&self, addresses: &Addresses) -> Result<u64, StoreError> {
        let shards = (0..SHARDS).map(|number| self.count_shard(addresses.shard(number)));
        stream::iter(shards)
            .buffer_unordered(SHARDS.into())
            .try_fold(0, |sum, count| async move { Ok(sum + count) })
            .await
    }

    async fn count_shard(&self, shard: String) -> Result<u64, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.tables.contacts)
            .key_condition_expression("tenant = :shard")
            // Tombstones have no id.
            .filter_expression("attribute_exists(id)")
            .expression_attribute_values(":shard", Value::S(shard))
            .select(Select::Count)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .into_paginator()
            .send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            self.read(page.consumed_capacity());
            count += u64::try_from(page.count()).unwrap_or_default();
        }
        Ok(count)
    }

    /// Follows slots to their contacts and drops what is no longer there.
    pub(super) async fn contacts_in(
        &self,
        addresses: &Addresses,
        slots: Vec<(Ordinal, Email)>,
        consistent: bool,
    ) -> Result<Vec<Contact>, StoreError> {
        let mut emails: Vec<&Email> = slots.iter().map(|(_, email)| email).collect();
        // A slot that leads nowhere may share its address with the one that does.
        emails.sort();
        emails.dedup();
        let keys = emails.into_iter().map(|email| addresses.key(email)).collect();
        let items = self.batch_get(&self.tables.contacts, keys, consistent).await?;
        let found = by_address(&items);
        let mut contacts = Vec::with_capacity(slots.len());
        for (ordinal, email) in &slots {
            let Some(item) = addresses.find(&found, email) else { continue };
            if let Standing::Held(contact) = standing(item, email)?
                && contact.ordinal == *ordinal
            {
                contacts.push(*contact);
            }
        }
        Ok(contacts)
    }
}
