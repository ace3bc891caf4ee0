//! The wish to stop, from the operating system.

use std::io;

use super::CommandError;
use crate::DataPlane;

/// Hears SIGTERM and ctrl-c from the moment it is made.
pub(super) struct Signals {
    #[cfg(unix)]
    term: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { term: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one.
    async fn received(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

impl Signals {
    /// Waits for the next one, or for a disk that is full.
    pub(super) async fn or_full_disk(&mut self, plane: &DataPlane) -> Result<(), CommandError> {
        tokio::select! {
            () = self.received() => Ok(()),
            full = plane.full_disk() => Err(full.into()),
        }
    }

    /// Lets the stop come to its end, unless somebody cannot wait for it.
    pub(super) async fn unless_again(&mut self, stop: impl Future<Output = ()>) -> Result<(), CommandError> {
        tokio::select! {
            () = stop => Ok(()),
            () = self.received() => Err(CommandError::SecondSignal),
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one.
    async fn received(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
