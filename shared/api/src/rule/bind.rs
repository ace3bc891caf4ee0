//! What a rule is bound to: the fields, lists and clock of a tenant.

use chrono::{DateTime, Utc};
use model::Tenant;
use model::rule::{Bound, Lists, Moment, NoLists, Parsed, Warning, Zone, bind};
use store::{FieldStore, Freshness, ListStore};

use super::refused;
use crate::{ApiError, Caller};

/// Binds a rule to the tenant of the caller, at a moment.
///
/// # Errors
/// 400 or 422 with all faults of the rule.
pub async fn bound_at<S: FieldStore + ListStore>(
    now: DateTime<Utc>,
    store: &S,
    caller: &Caller,
    parsed: &Parsed,
) -> Result<(Bound, Vec<Warning>), ApiError> {
    if parsed.rule.names_lists() {
        let lists = store.lists(&caller.tenant, Freshness::Strong).await?;
        return bound_to(now, store, caller, parsed, lists.as_ref()).await;
    }
    bound_to(now, store, caller, parsed, &NoLists).await
}

/// Binds a rule to given lists, and to the fields of the tenant of the caller, at a moment.
///
/// # Errors
/// 400 or 422 with all faults of the rule.
pub async fn bound_to<S: FieldStore>(
    now: DateTime<Utc>,
    store: &S,
    caller: &Caller,
    parsed: &Parsed,
    lists: &impl Lists,
) -> Result<(Bound, Vec<Warning>), ApiError> {
    let moment = Moment::new(now, zone(&caller.tenant)).with_tiers(caller.tenant.scoring.tiers);
    let fields = store.fields(&caller.tenant, Freshness::Cached).await?;
    let first = bind(parsed, &fields, lists, &moment);
    let knows_all = |(_, warnings): &(_, Vec<Warning>)| warnings.iter().all(|w| w.code != "unknown_field");
    if first.as_ref().is_ok_and(knows_all) {
        return first.map_err(refused);
    }
    // Another instance may have defined the field since, or given it another type.
    let fields = store.fields(&caller.tenant, Freshness::Strong).await?;
    bind(parsed, &fields, lists, &moment).map_err(refused)
}

/// Gives the zone in which a tenant's days begin.
pub fn zone(tenant: &Tenant) -> Zone {
    // It was checked when it was set; a database that has lost it since leaves UTC.
    Zone::parse(tenant.settings.time_zone.as_str()).unwrap_or_else(|_| Zone::utc())
}
