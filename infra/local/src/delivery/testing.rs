//! What the tests of this module share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::{Backoff, BoxError, Handler, Mailbox, NewMessage, Route, Source};

const FILE: &str = "mailbox.sqlite";

/// Opens a mailbox in a folder of its own.
pub fn mailbox() -> (TempDir, Mailbox) {
    let folder = tempfile::tempdir().unwrap();
    let mailbox = open(folder.path());
    (folder, mailbox)
}

pub fn open(folder: &Path) -> Mailbox {
    Mailbox::open(folder.join(FILE)).unwrap()
}

/// Opens what a process killed at this moment would leave: copies of the file and its log.
pub fn after_kill(folder: &TempDir) -> (TempDir, Mailbox) {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let mailbox = open(copy.path());
    (copy, mailbox)
}

pub fn grouped(destination: &str, group: &str, body: &str) -> NewMessage {
    NewMessage { group: Some(group.to_owned()), ..NewMessage::new(destination, body) }
}

pub fn handler<F, A>(handle: F) -> Handler
where
    F: Fn(Value) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Value, BoxError>> + Send + 'static,
{
    Arc::new(move |event| Box::pin(handle(serde_json::from_str(event.get()).unwrap())))
}

/// A route with short waits, for one invocation at a time.
pub fn route(destination: &str, source: Source, handler: Handler) -> Route {
    Route {
        destination: destination.to_owned(),
        source,
        handler,
        concurrency: 1,
        max_receives: 3,
        backoff: Backoff { first: Duration::from_millis(1), cap: Duration::from_millis(4) },
        timeout: Duration::from_secs(60),
    }
}
