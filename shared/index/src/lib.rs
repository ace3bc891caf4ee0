//! The search index: exact answers over a key-value table, without a server.
//!
//! Each contact of a tenant has an ordinal, and every indexed fact is about ordinals: the set of
//! those that have a [`Term`] ([`WholeSet`] and [`SetBlock`]), or the numbers and dates of 512
//! neighbours ([`ColumnBlock`]). Everything here is derived from the contacts and can be built anew.
//!
//! ```text
//! ordinal = slab (14 bits) | container in it (2) | sub-container (4) | offset (12)
//!           '-- partition -'                     '---- one sub item: 4,096 bits ----'
//! ```
//!
//! [`Writer`] keeps it up to date from the changes of contacts; [`Reader`] answers a [`Question`] with
//! the exact set of ordinals, its count, and pages in any order. Imports, new fields and new
//! generations are written by whole blocks ([`Writer::build`]), and an [`Audit`] compares what lies
//! there with the contacts, and repairs it.

mod build;
mod column;
mod contact;
mod facts;
mod key;
mod members;
mod number;
mod read;
mod set;
mod table;
mod term;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod world;
mod writer;

pub use build::{Audit, Block, Difference, IndexedFields, NotBuilt, clear};
pub use column::{COLUMN_VALUES, ColumnBlock};
pub use contact::{INDEXED_ATTRIBUTES, Planner, Subject};
pub use facts::{Cell, Facts};
pub use key::{Generation, Kind, Place, SetPlace, column_key};
pub use members::{Members, MembersPlace};
pub use read::{
    AddressBook, AddressTest, Answer, Answers, Column, Direction, MAX_WALKED_ITEMS, NumberRange, NumberTest,
    Predicate, Question, ReadError, Reader, Sort, SortKey, SortValue,
};
pub use set::{SUB_SIZE, SUBS, SetBlock, WholeSet};
pub use table::{Found, IndexTable, Item, ItemKey, Nonce};
pub use term::Term;
pub use writer::{Change, Contacts, NotApplied, Writer};

/// Says that stored bytes are not what this crate writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored {what} of the search index is malformed; rebuild the index")]
pub struct Malformed {
    /// What was read.
    pub what: &'static str,
}
