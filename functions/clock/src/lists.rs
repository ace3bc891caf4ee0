//! Lists that are changed behind the API.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::TenantId;
use store::ListWork;
use tokio::time::Instant;
use tracing::warn;

use crate::{ClockError, ClockStore, Deps};

/// A quarter of what the function may take, so that whoever else has something due waits little;
/// then the rest is due at once, to another message.
const TIME_A_TURN: Duration = Duration::from_secs(30);

/// Goes on with the jobs of a tenant, and tells when that is to be done again.
pub(crate) async fn go_on<S: ClockStore, Q, B>(
    deps: &Deps<S, Q, B>,
    tenant: TenantId,
) -> Result<Option<DateTime<Utc>>, ClockError> {
    let Some(tenant) = deps.store.tenant(tenant).await? else {
        warn!(tenant.id = %tenant, "dropped the timer of no known tenant");
        return Ok(None);
    };
    let work = ListWork { store: &deps.store, tenant: &tenant };
    let began = Instant::now();
    while work.go_on(deps.clock.now()).await? {
        if began.elapsed() > TIME_A_TURN {
            return Ok(Some(deps.clock.now()));
        }
    }
    Ok(None)
}
