use api::{ApiError, Caller, Problem, QueryParams};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Days, NaiveDate, SecondsFormat, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use store::{Consumed, DayUsage, UsageKind, UsageParts, UsageRecord};
use utoipa::{IntoParams, ToSchema};

use crate::{Deps, Store, Sweeps};

const DEFAULT_DAYS: i64 = 30;
const MAX_DAYS: i64 = 92;
const DAYS_AT_ONCE: usize = 8;
/// Counting reads all contacts: 125,000 read units for a million of them.
const COUNT_GOOD_FOR: TimeDelta = TimeDelta::hours(1);

/// Says which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsageParams {
    /// The first day (UTC); 30 days with the last one if absent.
    from: Option<NaiveDate>,
    /// The last day (UTC); today if absent.
    to: Option<NaiveDate>,
}

/// What the tenant has and used.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageView {
    contacts_held: HeldView,
    /// The days on which anything was used, the latest first.
    days: Vec<DayView>,
}

/// How many contacts there are.
#[derive(Debug, Serialize, ToSchema)]
struct HeldView {
    /// Exact at the time of counting.
    count: u64,
    /// When that was: within the last hour.
    counted_at: String,
}

/// What was used on a day (UTC). Counts are exact, also where a message came twice.
#[derive(Debug, Serialize, ToSchema)]
struct DayView {
    day: NaiveDate,
    /// Contacts when they were last counted on this day; null where nobody asked.
    contacts_held: Option<u64>,
    /// Imports that ended, by the day on which they were asked for.
    imports: u64,
    /// Their rows.
    imported_rows: u64,
    exports: u64,
    events: u64,
    searches: u64,
    /// Capacity units, as far as they are known: those of imports.
    consumed: ConsumedView,
}

/// What was used of the tables' capacity.
#[derive(Debug, Serialize, ToSchema)]
struct ConsumedView {
    write_units: f64,
    read_units: f64,
}

/// Tells what the tenant has and used.
#[utoipa::path(
    get,
    path = "/api/v1/usage",
    tag = "settings",
    params(UsageParams),
    responses((status = 200, body = UsageView), (status = 400, body = Problem, description = "No such days"))
)]
pub async fn read<S: Store, Q: Sweeps>(
    State(Deps { app, .. }): State<Deps<S, Q>>,
    caller: Caller,
    QueryParams(params): QueryParams<UsageParams>,
) -> Result<Json<UsageView>, ApiError> {
    let now = app.now();
    let to = params.to.unwrap_or(now.date_naive());
    let from = params.from.unwrap_or(to - TimeDelta::days(DEFAULT_DAYS - 1));
    let days = (to - from).num_days() + 1;
    if !(1..=MAX_DAYS).contains(&days) {
        let detail = format!("`from` to `to` is 1 to {MAX_DAYS} days");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_days", detail).into());
    }
    let contacts_held = held(&app.store, &caller, now).await?;
    let reads = (0..days).filter_map(|ago| to.checked_sub_days(Days::new(ago.unsigned_abs()))).map(|day| {
        let (store, tenant) = (&app.store, caller.tenant.id);
        async move { Ok::<_, ApiError>((day, store.day_usage(tenant, day).await?)) }
    });
    let used: Vec<(NaiveDate, DayUsage)> = stream::iter(reads).buffered(DAYS_AT_ONCE).try_collect().await?;
    let days = used.into_iter().filter(|(_, used)| *used != DayUsage::default());
    Ok(Json(UsageView { contacts_held, days: days.map(|(day, used)| view(day, &used)).collect() }))
}

/// Gives the last count where it is young enough, else counts, and keeps that for the day.
async fn held<S: Store>(store: &S, caller: &Caller, now: DateTime<Utc>) -> Result<HeldView, ApiError> {
    let today = store.day_usage(caller.tenant.id, now.date_naive()).await?;
    let known = today.amounts.get(&UsageKind::ContactsHeld).copied().zip(today.counted_at);
    let (count, counted_at) = match known.filter(|(_, at)| now - *at < COUNT_GOOD_FOR) {
        Some(known) => known,
        None => {
            let count = store.count(&caller.tenant).await?;
            let record = UsageRecord {
                kind: UsageKind::ContactsHeld,
                id: "last".to_owned(),
                amount: count,
                parts: UsageParts::default(),
                consumed: Consumed::default(),
                at: now,
            };
            store.record_usage(caller.tenant.id, now.date_naive(), &record).await?;
            (count, now)
        }
    };
    Ok(HeldView { count, counted_at: counted_at.to_rfc3339_opts(SecondsFormat::AutoSi, true) })
}

fn view(day: NaiveDate, used: &DayUsage) -> DayView {
    let amount = |kind| used.amounts.get(&kind).copied();
    let Consumed { write_units, read_units } = used.consumed;
    DayView {
        day,
        contacts_held: amount(UsageKind::ContactsHeld),
        imports: amount(UsageKind::Imports).unwrap_or_default(),
        imported_rows: amount(UsageKind::ImportedRows).unwrap_or_default(),
        exports: amount(UsageKind::Exports).unwrap_or_default(),
        events: amount(UsageKind::Events).unwrap_or_default(),
        searches: amount(UsageKind::Searches).unwrap_or_default(),
        consumed: ConsumedView { write_units, read_units },
    }
}
