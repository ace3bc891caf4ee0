//! The whole product in one process, for a developer's machine and for tests.
//!
//! Nothing else has to be installed: an embedded DynamoDB engine ([`engine`]), an
//! S3-compatible store ([`objects`]) and an SQS intake ([`delivery`]) listen on loopback and
//! keep their data in one directory. Together they are the [`DataPlane`], which looks to the
//! functions as AWS does. [`Process`] adds the functions themselves: their routers behind one
//! port, their handlers behind the deliveries.
//!
//! ```text
//! client ── HTTP ──> routers ──┐                    ┌──> engine    tables.sqlite
//!                              ├── the AWS SDKs ────┼──> objects   objects/
//! mailbox ── events ─> import ─┘                    └──> intake ──> mailbox.sqlite
//!    ^── notifications of objects, messages of the intake
//! ```
//!
//! The binary `leads` is this library's command line ([`cli`]): it serves, and it is a client
//! of any base URL.

mod bus_log;
pub mod cli;
mod client;
mod data_plane;
pub mod delivery;
pub mod engine;
mod error;
mod functions;
mod http_server;
pub mod objects;
mod process;
mod sqlite;

/// The engine allocates for every attribute of every item; with the system's allocator that was a
/// fifth of an import.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use data_plane::{Data, DataPlane, NOTIFICATIONS, Ports, RANGES};
pub use error::StartError;
pub use functions::REQUESTS_A_KEY;
pub use process::{Options, Process, Progress, SampleError};
