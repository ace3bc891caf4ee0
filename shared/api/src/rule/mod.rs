//! Rules in requests: how they are given, bound and complained of, and pages of whom they mean.

mod asked;
mod bind;
mod found;
mod sort;
mod walk;
mod warning;

pub use asked::{Asked, Noted, refused, unanswered};
pub use bind::{bound_at, bound_to, zone};
pub use found::{Found, FoundContacts, PageAsked, found};
pub use walk::walked;
pub use warning::WarningView;

use index::IndexTable;
use store::{ContactStore, FieldStore, ListStore, StoreError, UsageStore};

use crate::EdgeStore;

/// Is what it takes of a store to tell whom a rule means.
pub trait RuleStore:
    EdgeStore + ContactStore + FieldStore + ListStore + UsageStore + IndexTable<Error = StoreError>
{
}

impl<S: EdgeStore + ContactStore + FieldStore + ListStore + UsageStore + IndexTable<Error = StoreError>>
    RuleStore for S
{
}
