use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use model::TenantId;
use store::{
    Cache, Clock, IdempotencyStore, KeyHash, QuotaStore, StoreError, TenantStore, UsageKind, UsageStore,
};

use crate::Caller;
use crate::limit::{Limiter, REQUESTS_A_WINDOW};
use crate::tally::Tally;

/// A key that is revoked, or a tenant that changes, shows after this at the latest.
const KEYS_CACHED_FOR: Duration = Duration::from_secs(60);

/// Is what the edge itself needs of a store.
pub trait EdgeStore: TenantStore + IdempotencyStore + QuotaStore + Clone + 'static {}

impl<S: TenantStore + IdempotencyStore + QuotaStore + Clone + 'static> EdgeStore for S {}

/// Holds what every handler of a function works with.
#[derive(Debug, Clone)]
pub struct App<S> {
    /// The store.
    pub store: S,
    /// The domain's time.
    pub clock: Clock,
    pub(crate) callers: Cache<KeyHash, Arc<Caller>>,
    pub(crate) limiter: Limiter,
    tally: Tally,
}

impl<S: EdgeStore> App<S> {
    /// Starts with an empty cache of keys.
    pub fn new(store: S, clock: Clock) -> Self {
        let callers = Cache::new(10_000).for_at_most(KEYS_CACHED_FOR);
        Self { store, clock, callers, limiter: Limiter::new(REQUESTS_A_WINDOW), tally: Tally::new() }
    }

    /// Lets each key send so many requests in ten seconds.
    #[must_use]
    pub fn with_quota(self, requests: u32) -> Self {
        Self { limiter: Limiter::new(requests), ..self }
    }

    /// Forgets who calls: a key was revoked, or a tenant changed. Other instances follow within
    /// 60 seconds.
    pub fn forget_callers(&self) {
        self.callers.forget_all();
    }

    /// Tells the domain's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

impl<S: EdgeStore + UsageStore> App<S> {
    /// Counts something that a tenant did, and returns when that is stored.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count(&self, tenant: TenantId, kind: UsageKind) -> Result<(), StoreError> {
        self.tally.add(&self.store, tenant, kind, self.now()).await
    }
}

/// Is the state of a function's handlers: an app, alone or with more.
pub trait HandlerState: Clone + Send + Sync + 'static {
    /// The app's store.
    type Store: EdgeStore;

    /// Gives the app.
    fn app(&self) -> &App<Self::Store>;
}

impl<S: EdgeStore> HandlerState for App<S> {
    type Store = S;

    fn app(&self) -> &Self {
        self
    }
}
