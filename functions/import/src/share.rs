//! A tenant's share of the loaders: whoever brings much waits for its own work, not others for it.

use std::time::Duration;

use chrono::Utc;
use model::TenantId;
use store::{LoaderStore, StoreError};

/// Until work that found no place looks again.
pub(crate) const PAUSE: Duration = Duration::from_secs(20);
/// Longer than Lambda lets anything run: what holds its place for so long is dead.
const LONGEST_RUN: Duration = Duration::from_mins(16);

/// Runs work in one of its tenant's places, or gives none while all of them are taken.
pub(crate) async fn in_turn<T, E: From<StoreError>>(
    store: &impl LoaderStore,
    tenant: TenantId,
    name: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<Option<T>, E> {
    // Real time: it is about processes, and not about the domain.
    let now = Utc::now();
    if !store.take_loader(tenant, name, now, now + LONGEST_RUN).await? {
        return Ok(None);
    }
    let done = work.await;
    store.leave_loader(tenant, name).await?;
    done.map(Some)
}
