//! What watched segments cost: how soon one follows a change, and what a tick of the clock takes.

use std::collections::BTreeSet;
use std::time::Instant;

use chrono::TimeDelta;
use model::{List, Tenant};
use serde_json::json;
use store::{
    Clock, Consumed, DomainEvent, DomainEventBus, DynamoStore, Freshness, ListChange, ListStore,
    Metered as _, SegmentWatch, StoreError,
};

use crate::client::Client;
use crate::{BenchError, Report};

/// How often a contact is written and looked for, and the clock ticks.
const TIMES: usize = 15;

/// Takes all that it is told, at once.
struct Deaf;

impl DomainEventBus for Deaf {
    async fn announce(&self, _: &[DomainEvent]) -> Result<BTreeSet<usize>, StoreError> {
        Ok(BTreeSet::new())
    }
}

/// Measures how long after a write the count of a segment has it.
pub(crate) fn freshness(client: &Client, report: &mut Report) -> Result<(), BenchError> {
    let body = json!({"name": "Fresh", "query": "company:\"Fresh Ltd\""});
    let made = client.call("POST", "/lists", Some(&body))?;
    let path = format!("/lists/{}/count", made["id"].as_str().unwrap_or_default());
    let mut times = Vec::with_capacity(TIMES);
    for number in 1..=TIMES {
        let contact = json!({"email": format!("fresh{number}@example.com"), "company": "Fresh Ltd"});
        client.call("POST", "/contacts", Some(&contact))?;
        let began = Instant::now();
        while client.call("GET", &path, None)?["count"] != number {
            if began.elapsed().as_secs() > 30 {
                return Err(BenchError::Wrong(format!("a segment has not followed contact {number}")));
            }
        }
        times.push(began.elapsed());
    }
    times.sort();
    let at = |place: usize| times.get(place).copied().unwrap_or_default().as_secs_f64() * 1e3;
    report.add("a segment has a new contact: p50", at(TIMES / 2), "ms");
    report.add("a segment has a new contact: longest", at(TIMES - 1), "ms");
    Ok(())
}

/// Watches two segments of a tenant, and lets the clock tick.
pub(crate) async fn ticks(
    store: &DynamoStore,
    tenant: &Tenant,
    report: &mut Report,
) -> Result<(), BenchError> {
    let failed = |error: StoreError| BenchError::Wrong(error.to_string());
    for name in ["Segment 3", "Segment 7"] {
        // Not over the API: the clock of the product would tick, too.
        let book = store.lists(tenant, Freshness::Strong).await.map_err(failed)?;
        let list = book.iter().find(|list| list.name.as_str() == name).cloned();
        let list = list.ok_or_else(|| BenchError::Wrong(format!("there is no {name}")))?;
        let change = ListChange::Replace(List { events: true, ..list });
        store.change_lists(tenant, &book, change).await.map_err(failed)?;
    }
    let start = Clock::default().now();
    let tick = async |minutes: i64| {
        let now = start + TimeDelta::minutes(minutes);
        let watch = SegmentWatch { store, bus: &Deaf, tenant, now };
        let (before, began) = (store.consumed(), Instant::now());
        let tick = watch.tick(None).await.map_err(failed)?;
        let Consumed { read_units, write_units } = store.consumed();
        let used = (read_units - before.read_units, write_units - before.write_units);
        Ok::<_, BenchError>((tick.seen.transitions, used, began.elapsed().as_secs_f64()))
    };
    let (entered, (read, written), seconds) = tick(0).await?;
    report.add("the first tick of two segments: contacts that enter", entered as f64, "contacts");
    report.add("the first tick: read units", read, "units");
    report.add("the first tick: write units", written, "units");
    report.add("the first tick", seconds, "s");
    let mut times = Vec::with_capacity(TIMES);
    for minute in 1..=TIMES {
        let (went, (read, written), seconds) = tick(minute as i64).await?;
        if minute == 1 {
            report.add("another tick: contacts that enter or leave", went as f64, "contacts");
            report.add("another tick: read units", read, "units");
            report.add("another tick: write units", written, "units");
        }
        times.push(seconds);
    }
    times.sort_by(f64::total_cmp);
    report.add("another tick: p50", times.get(TIMES / 2).copied().unwrap_or_default() * 1e3, "ms");
    Ok(())
}
