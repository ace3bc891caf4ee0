//! The object store of the local process: S3's protocol over one directory.
//!
//! An object is an immutable content file (`content`) and a row of metadata in SQLite
//! (`catalog`). A write makes the file durable under a name of its own, announces the
//! object to the delivery queue, switches the row in one transaction, lets the
//! notification go and only then removes the replaced file (`storage`): a reader sees
//! the old object or the new one, and a crash leaves at worst a file that no row names
//! (swept at the next start) and a notification for an object that never appeared.
//!
//! The protocol itself (routing, signatures, XML) is crate `s3s`; `service` fills in the
//! operations the product uses, `server` adds CORS and the listener.

mod attributes;
mod catalog;
mod condition;
mod content;
mod cors;
mod digest;
mod error;
mod event;
mod listing;
mod notify;
mod receive;
mod server;
mod service;
mod storage;
#[cfg(test)]
mod tests;
mod uploads;

pub use error::StorageError;
pub use event::{EventName, ObjectCreated};
pub use notify::{BoxError, Notifications, Notify, Ticket};
pub use server::{ObjectServer, ObjectServerConfig};
