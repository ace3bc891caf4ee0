use std::sync::Arc;

use model::{ListBook, Tenant};

use super::MemoryStore;
use crate::{Freshness, ListChange, ListStore, StoreError};

impl ListStore for MemoryStore {
    async fn lists(&self, tenant: &Tenant, _: Freshness) -> Result<Arc<ListBook>, StoreError> {
        self.call(|state| Arc::new(state.lists.get(&tenant.id).cloned().unwrap_or_default()))
    }

    async fn change_lists(
        &self,
        tenant: &Tenant,
        read: &ListBook,
        change: ListChange,
    ) -> Result<bool, StoreError> {
        self.call(|state| {
            let book = state.lists.entry(tenant.id).or_default();
            if book.revision() != read.revision() {
                return false;
            }
            let is_new = matches!(change, ListChange::Insert(_));
            let next = book.next_number().0 + u32::from(is_new);
            let mut changed = ListBook::new(book.revision() + 1, next, book.iter().cloned());
            match change {
                ListChange::Insert(list) | ListChange::Replace(list) => changed.put(list),
                ListChange::Remove(id) => drop(changed.remove(id)),
            }
            *book = changed;
            true
        })
    }
}
