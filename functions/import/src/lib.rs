//! The function that imports files: it plans a file that arrived in the bucket, and loads its
//! ranges.
//!
//! A job walks from `awaiting_upload` over `planning` and `importing` to `done`, or to `failed`
//! when the file is refused as a whole. Each step does its work, then moves the job on by a write
//! conditional on where the job stood; everything before that write can be done twice. So a
//! message may come twice, late, or after a crash at any call, and the outcome is the same.

mod apply;
mod arrival;
mod close;
mod dialect;
mod encoding;
mod error;
mod event;
mod gzip;
mod index_block;
#[cfg(any(test, feature = "fuzzing"))]
pub mod invariants;
mod load;
mod ndjson;
mod plan;
mod records;
mod report;
mod share;
mod source;
mod split;
mod stretch;
mod superseded;
mod survey;
mod sweep;
#[cfg(test)]
mod tests;
mod text;
mod told;
mod window;

pub use error::ImportError;
pub use event::handle;

use index::IndexTable;
use store::{
    ContactStore, FieldStore, JobStore, ListStore, LoaderStore, Metered, StoreError, TenantStore, TimerStore,
    UsageStore,
};

/// Holds what the function works with.
#[derive(Debug, Clone)]
pub struct Deps<S, O, Q, B> {
    /// Contacts, fields, jobs.
    pub store: S,
    /// Files.
    pub objects: O,
    /// Where planned ranges go.
    pub queue: Q,
    /// Where it is told that an import ended.
    pub bus: B,
    /// The domain's time.
    pub clock: store::Clock,
}

/// Is a store of everything an import touches but files.
pub trait ImportStore:
    ContactStore
    + TenantStore
    + FieldStore
    + JobStore
    + LoaderStore
    + ListStore
    + TimerStore
    + UsageStore
    + IndexTable<Error = StoreError>
    + Metered
    + Clone
{
}

impl<S> ImportStore for S where
    S: ContactStore
        + TenantStore
        + FieldStore
        + JobStore
        + LoaderStore
        + ListStore
        + TimerStore
        + UsageStore
        + IndexTable<Error = StoreError>
        + Metered
        + Clone
{
}

/// Says how many rows go together; smaller ones let a small test file have several of each.
#[derive(Debug, Clone, Copy)]
struct Pace {
    rows_a_read: usize,
    rows_a_checkpoint: usize,
    /// Fewer new contacts than this the stream indexes as cheaply, and sooner.
    min_indexed: u64,
}

impl Default for Pace {
    fn default() -> Self {
        // 100 is what one BatchGetItem takes; 2,000 rows are lost work of less than half a second.
        Self { rows_a_read: 100, rows_a_checkpoint: 2_000, min_indexed: 4_096 }
    }
}
