use std::future::Future;
use std::sync::Arc;

use model::{List, ListBook, ListId, Tenant};

use crate::{Freshness, StoreError};

/// Is one change of a tenant's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListChange {
    /// A new list, whose number is the book's next.
    Insert(List),
    /// Another name or rule of a list.
    Replace(List),
    /// One list less.
    Remove(ListId),
}

/// Keeps the lists of tenants: what they are called and what rules they have. Who is on a static
/// list says each contact.
pub trait ListStore: Send + Sync {
    /// Reads all lists of a tenant.
    fn lists(
        &self,
        tenant: &Tenant,
        freshness: Freshness,
    ) -> impl Future<Output = Result<Arc<ListBook>, StoreError>> + Send;

    /// Changes the lists of a tenant, unless any of them changed since they were read: then it is
    /// false. So what was found of all of them together still holds when one of them changes: that a
    /// name is free, and that no rule comes back to itself.
    fn change_lists(
        &self,
        tenant: &Tenant,
        read: &ListBook,
        change: ListChange,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
