//! Lists, each an item in the tenant's own partition, beside one that counts their changes: every
//! change is conditional on that count.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{AttributeValue as Value, Delete, Put, TransactWriteItem};
use model::{List, ListBook, ListId, Tenant};
use serde::{Deserialize, Serialize};

use super::schema::refused;
use super::{DynamoStore, config_item};
use crate::{Freshness, ListChange, ListStore, StoreError};

const PREFIX: &str = "list#";
const STATE: &str = "lists";

/// Is what the lists of a tenant have in common.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct State {
    /// Counts the changes.
    revision: u64,
    /// The number of the list that is made next.
    next: u32,
}

impl ListStore for DynamoStore {
    async fn lists(&self, tenant: &Tenant, freshness: Freshness) -> Result<Arc<ListBook>, StoreError> {
        let kept = self.lists.get(&tenant.id);
        if freshness == Freshness::Cached
            && let Some(kept) = kept
        {
            return Ok(kept);
        }
        let part = tenant.id.to_string();
        // Before the lists: if one changes between the two reads, no change that goes by this
        // revision takes effect.
        let state: State = self.config(&part, STATE).await?.unwrap_or_default();
        if let Some(kept) = kept.filter(|kept| kept.revision() == state.revision) {
            self.lists.insert(tenant.id, Arc::clone(&kept));
            return Ok(kept);
        }
        let lists: Vec<List> = self.config_list(&part, PREFIX).await?;
        let book = Arc::new(ListBook::new(state.revision, state.next, lists));
        self.lists.insert(tenant.id, Arc::clone(&book));
        Ok(book)
    }

    async fn change_lists(
        &self,
        tenant: &Tenant,
        read: &ListBook,
        change: ListChange,
    ) -> Result<bool, StoreError> {
        let part = tenant.id.to_string();
        let is_new = matches!(change, ListChange::Insert(_));
        let next = read.next_number().0 + u32::from(is_new);
        let state = config_item::to_item(&part, STATE, &State { revision: read.revision() + 1, next })?;
        let put = Put::builder().table_name(&self.tables.config).set_item(Some(state));
        let put = if read.revision() == 0 {
            put.condition_expression("attribute_not_exists(part)")
        } else {
            put.condition_expression("revision = :revision")
                .expression_attribute_values(":revision", Value::N(read.revision().to_string()))
        };
        let state = TransactWriteItem::builder().put(put.build().map_err(refused)?).build();
        let list = match &change {
            ListChange::Insert(list) | ListChange::Replace(list) => {
                let item = config_item::to_item(&part, &entry(list.id), list)?;
                let put = Put::builder().table_name(&self.tables.config).set_item(Some(item));
                TransactWriteItem::builder().put(put.build().map_err(refused)?).build()
            }
            ListChange::Remove(id) => {
                let delete = Delete::builder()
                    .table_name(&self.tables.config)
                    .set_key(Some(config_item::key(&part, &entry(*id))));
                TransactWriteItem::builder().delete(delete.build().map_err(refused)?).build()
            }
        };
        let changed = self.transact(vec![state, list]).await?.is_none();
        self.lists.forget(&tenant.id);
        Ok(changed)
    }
}

fn entry(id: ListId) -> String {
    format!("{PREFIX}{id}")
}
