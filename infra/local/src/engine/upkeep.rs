//! The thread that does what the engine does not do by itself.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{convert::Infallible, io};

use dynoxide::Database;
use rusqlite::Connection;

use super::streams;

/// DynamoDB itself takes up to days; every reader checks the expiry, too.
const TICK: Duration = Duration::from_secs(60);

/// The pause between two bites, for writers to get their turn.
const BITE_PAUSE: Duration = Duration::from_millis(50);

/// Is the running thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Upkeep {
    running: Sender<Infallible>,
    thread: JoinHandle<()>,
}

impl Upkeep {
    pub(super) fn start<K: Send + Sync + 'static>(
        connection: Connection,
        database: Database,
        keep: Arc<K>,
    ) -> io::Result<Self> {
        let (running, stop) = mpsc::channel();
        let thread = std::thread::Builder::new().name("engine-upkeep".to_owned()).spawn(move || {
            work(&connection, &database, &stop);
            drop((connection, database));
            drop(keep);
        })?;
        Ok(Self { running, thread })
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(self) {
        drop(self.running);
        if self.thread.join().is_err() {
            tracing::error!("the upkeep of the DynamoDB engine panicked");
        }
    }
}

fn work(connection: &Connection, database: &Database, stop: &Receiver<Infallible>) {
    loop {
        let pause = tick(connection, database);
        if !matches!(stop.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
            return;
        }
    }
}

/// Takes one bite, or sweeps when there is nothing to bite, and tells when to come again.
pub(super) fn tick(connection: &Connection, database: &Database) -> Duration {
    match streams::prune(connection) {
        Ok(streams::BITE) => return BITE_PAUSE,
        Ok(_) => {}
        Err(error) => tracing::warn!(error = %error, "old stream records stay for now"),
    }
    match database.sweep_ttl() {
        Ok(0) => {}
        Ok(expired) => tracing::debug!(items.expired = expired, "expired items are gone"),
        Err(error) => tracing::warn!(error = %error, "expired items stay for now"),
    }
    TICK
}
