//! The embedded DynamoDB engine: crate `dynoxide-rs` on one SQLite file, with the four cures it
//! needs to be a database and not only an emulator.
//!
//! 1. `streams` indexes and prunes the engine's stream log from a second connection: without
//!    it every write to a streamed table costs more than the one before. So there is always a
//!    file; what is to be forgotten lies in a temporary one.
//! 2. It is to run with `synchronous=NORMAL`: one fsync a checkpoint and not one a write. That
//!    survives `kill -9`; a power cut may take the last commits. This workspace builds SQLite so
//!    that it starts like this, and with a larger cache (`.cargo/config.toml`). Elsewhere,
//!    `disable_bulk_loading` is, despite its name, the only way; it makes the cache small, too.
//! 3. The engine's handlers block, so it has a runtime of its own.
//! 4. Nothing in it expires items by itself: the upkeep thread sweeps.

mod stream_log;
mod streams;
#[cfg(test)]
mod tests;
mod upkeep;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use stream_log::{StreamLog, StreamRecord};
use upkeep::Upkeep;

/// A request holds the one connection while it works and a thread while it waits for it, so that
/// there is one at work, one that is read and one that waits for its turn.
const WORKER_THREADS: usize = 3;

/// How long the requests under way may take after the signal to stop.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How long the threads may take to let go of the database after that.
const RUNTIME_LIMIT: Duration = Duration::from_secs(2);

/// Says why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The file cannot be used, or a newer engine wrote it.
    #[error("cannot open the database: {0}")]
    Open(String),
    /// The stream log cannot be cured.
    #[error("cannot prepare the stream log: {0}")]
    Streams(#[from] rusqlite::Error),
    /// The operating system refuses a thread or a socket.
    #[error("cannot serve the database: {0}")]
    Serve(#[from] io::Error),
}

/// Is a running engine. Dropping it tells it to stop and does not wait.
#[derive(Debug)]
pub struct Engine {
    address: SocketAddr,
    file: PathBuf,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    upkeep: Upkeep,
}

impl Engine {
    /// Opens or creates the file and serves it on the listener. `keep` is held until the last
    /// thread has let go of the file.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub async fn start<K: Send + Sync + 'static>(
        file: &Path,
        listener: TcpListener,
        keep: Arc<K>,
    ) -> Result<Self, EngineError> {
        let address = listener.local_addr()?;
        let listener = listener.into_std()?;
        let file = file.to_owned();
        tokio::task::spawn_blocking(move || {
            let database = open(&file)?;
            let upkeep = Upkeep::start(streams::cure(&file)?, database.clone(), Arc::clone(&keep))?;
            let (stop, stopped) = watch::channel(false);
            let server = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
                if let Err(error) = serve(listener, database, stopped) {
                    tracing::error!(error = %error, "the DynamoDB engine ended");
                }
                drop(keep);
            })?;
            Ok(Self { address, file, stop, server, upkeep })
        })
        .await
        .map_err(|error| EngineError::Serve(io::Error::other(error)))?
    }

    /// Tells where the engine listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens the stream of a table. It is to be closed before the engine stops.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn stream(&self, table: &str) -> Result<StreamLog, EngineError> {
        Ok(StreamLog::open(&self.file, table)?)
    }

    /// Lets the requests under way end and closes the file.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let joined = tokio::task::spawn_blocking(move || {
            self.upkeep.stop();
            self.server.join()
        });
        if !matches!(joined.await, Ok(Ok(()))) {
            tracing::error!("the DynamoDB engine panicked");
        }
    }
}

fn open(file: &Path) -> Result<Database, EngineError> {
    let text = file.to_str().ok_or_else(|| EngineError::Open("its path is not UTF-8".to_owned()))?;
    let failed = |error: dynoxide::DynoxideError| EngineError::Open(error.to_string());
    let database = Database::new(text).map_err(failed)?;
    if !streams::syncs_at_checkpoints(file)? {
        database.disable_bulk_loading().map_err(failed)?;
    }
    Ok(database)
}

fn serve(
    listener: std::net::TcpListener,
    database: Database,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .thread_name("engine-worker")
        .enable_all()
        .build()?;
    let mut too_late = stop.clone();
    let served = runtime.block_on(async move {
        let listener = TcpListener::from_std(listener)?;
        let shutdown = async move {
            // An error means that the sender is gone, which is the same wish.
            let _: Result<_, _> = stop.wait_for(|stop| *stop).await;
        };
        tokio::select! {
            served = dynoxide::server::serve_with_shutdown(listener, database, shutdown) => {
                served.map_err(io::Error::other)
            }
            // A client that sent half a request would hold the engine for ever.
            () = async {
                let _: Result<_, _> = too_late.wait_for(|stop| *stop).await;
                tokio::time::sleep(STOP_LIMIT).await;
            } => Ok(()),
        }
    });
    runtime.shutdown_timeout(RUNTIME_LIMIT);
    served
}
