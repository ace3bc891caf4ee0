//! Why the local process does not start or go on, in one line that says what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use store::StoreError;

use crate::delivery::{MailboxError, error_text};
use crate::engine::EngineError;
use crate::objects::StorageError;

/// Says why the process, or its data plane, did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The directory cannot be made or written.
    #[error("cannot use the data directory `{}`: {source}; choose another with --data", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Another process has the directory.
    #[error(
        "another process uses the data directory `{}`; stop it, or choose another directory with --data",
        .0.display()
    )]
    InUse(PathBuf),
    /// The directory is of a version that keeps its data in another form.
    #[error(
        "another version of `leads` wrote the data directory `{}`; choose another \
         directory with --data or remove this one",
        .0.display()
    )]
    OtherVersion(PathBuf),
    /// There is no room to write.
    #[error(
        "no space is left on the disk of the data directory `{}`; \
         free some, or choose another directory with --data",
        .0.display()
    )]
    DiskFull(PathBuf),
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; choose another address with {option}, port 0 picks a free port"
    )]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The option that chose it.
        option: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// The tables cannot be opened.
    #[error("cannot start the DynamoDB engine: {0}")]
    Engine(#[from] EngineError),
    /// The objects cannot be opened.
    #[error("cannot start the object store: {0}")]
    Objects(#[from] StorageError),
    /// The messages cannot be opened.
    #[error("cannot start the queues: {}", error_text(.0))]
    Mailbox(#[from] MailboxError),
    /// Tables, bucket or tenant cannot be made.
    #[error("cannot set up the data: {}", error_text(.0))]
    SetUp(#[from] StoreError),
    /// A key is too short, too long or not printable.
    #[error("{name} must have 16 to 128 visible ASCII characters")]
    Key {
        /// The variable that holds it.
        name: &'static str,
    },
    /// The key is in use for something else.
    #[error("LEADS_API_KEY is the key of another tenant; choose another one")]
    ForeignKey,
    /// The kept key cannot be read or written.
    #[error("cannot keep the API key in `{}`: {source}; set LEADS_API_KEY instead", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}
