//! Segments whose transitions are told: who entered and left because time passed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::TenantId;
use store::{DomainEventBus, SegmentWatch};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::{ClockError, ClockStore, Deps};

/// Half of what the function may take; then the rest is due at once, to another message.
const TIME_A_TICK: Duration = Duration::from_secs(60);

/// Tells who entered and left since the last tick, and when it is time for the next one.
pub(crate) async fn tick<S: ClockStore, Q, B: DomainEventBus>(
    deps: &Deps<S, Q, B>,
    tenant: TenantId,
) -> Result<Option<DateTime<Utc>>, ClockError> {
    let Some(tenant) = deps.store.tenant(tenant).await? else {
        warn!(tenant.id = %tenant, "dropped the timer of no known tenant");
        return Ok(None);
    };
    let now = deps.clock.now();
    let watch = SegmentWatch { store: &deps.store, bus: &deps.bus, tenant: &tenant, now };
    let tick = watch.tick(Some(Instant::now() + TIME_A_TICK)).await?;
    if tick.left_out > 0 {
        warn!(tenant.id = %tenant.id, segments = tick.left_out, "the rules of watched segments have no answer");
    }
    if tick.seen.untold > 0 {
        warn!(tenant.id = %tenant.id, left = tick.seen.untold, "the bus did not take all transitions");
    }
    if tick.seen.transitions > 0 {
        info!(tenant.id = %tenant.id, transitions = tick.seen.transitions, "told who entered and left segments");
    }
    Ok(tick.next)
}
