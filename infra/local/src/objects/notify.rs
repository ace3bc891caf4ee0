//! Who hears of created objects, and of which.

use std::{fmt, sync::Arc};

use super::event::ObjectCreated;

/// Is any error the listener may answer with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Identifies a notification that is stored and held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub i64);

/// Hears of objects; implemented by the durable delivery queue.
///
/// Called from a blocking thread, one object at a time in the order in which they become
/// visible, so an implementation may block but must not call back into the store.
pub trait Notify: Send + Sync + 'static {
    /// Stores the notification durably, held back: called when the content is durable but
    /// before the object is visible.
    ///
    /// # Errors
    /// The object is not published then.
    fn announce(&self, created: &ObjectCreated) -> Result<Ticket, BoxError>;

    /// Lets it go out: the object is visible.
    ///
    /// # Errors
    /// The object stays, and the caller of the store is told of an internal error.
    fn confirm(&self, ticket: Ticket) -> Result<(), BoxError>;

    /// Drops it: the object was not published after all.
    ///
    /// # Errors
    /// Only logged: a notification without its object is harmless.
    fn withdraw(&self, ticket: Ticket) -> Result<(), BoxError>;
}

/// Joins a listener with the keys it wants to hear of.
#[derive(Clone)]
pub struct Notifications {
    listener: Arc<dyn Notify>,
    prefixes: Vec<String>,
}

impl Notifications {
    /// Announces the objects whose key starts with one of `prefixes`; the empty prefix
    /// stands for all, an empty list for none.
    pub fn new(listener: Arc<dyn Notify>, prefixes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { listener, prefixes: prefixes.into_iter().map(Into::into).collect() }
    }

    /// Gives the listener if it wants to hear of this key.
    pub(super) fn listener(&self, key: &str) -> Option<&dyn Notify> {
        self.prefixes.iter().any(|prefix| key.starts_with(prefix)).then_some(&*self.listener)
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifications").field("prefixes", &self.prefixes).finish_non_exhaustive()
    }
}
