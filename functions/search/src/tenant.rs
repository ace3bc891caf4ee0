//! What a rule is bound to: the fields, lists and clock of a tenant.

use api::{ApiError, App, Caller};
use chrono::{DateTime, Utc};
use model::Tenant;
use model::rule::{Bound, Lists, Moment, Parsed, Warning, Zone, bind};
use store::Freshness;

use crate::Store;
use crate::request::refused;

/// Binds a rule to the tenant of the caller, now.
pub(crate) async fn bound<S: Store>(
    app: &App<S>,
    caller: &Caller,
    parsed: &Parsed,
    lists: &impl Lists,
) -> Result<(Bound, Vec<Warning>), ApiError> {
    bound_at(app.now(), app, caller, parsed, lists).await
}

/// Binds a rule to the tenant of the caller, at a moment.
pub(crate) async fn bound_at<S: Store>(
    now: DateTime<Utc>,
    app: &App<S>,
    caller: &Caller,
    parsed: &Parsed,
    lists: &impl Lists,
) -> Result<(Bound, Vec<Warning>), ApiError> {
    let moment = Moment::new(now, zone(&caller.tenant)).with_tiers(caller.tenant.scoring.tiers);
    let fields = app.store.fields(&caller.tenant, Freshness::Cached).await?;
    let first = bind(parsed, &fields, lists, &moment);
    let knows_all = |(_, warnings): &(_, Vec<Warning>)| warnings.iter().all(|w| w.code != "unknown_field");
    if first.as_ref().is_ok_and(knows_all) {
        return first.map_err(refused);
    }
    // Another instance may have defined the field since, or given it another type.
    let fields = app.store.fields(&caller.tenant, Freshness::Strong).await?;
    bind(parsed, &fields, lists, &moment).map_err(refused)
}

/// Gives the zone in which a tenant's days begin.
fn zone(tenant: &Tenant) -> Zone {
    // It was checked when it was set; a database that has lost it since leaves UTC.
    Zone::parse(tenant.settings.time_zone.as_str()).unwrap_or_else(|_| Zone::utc())
}
