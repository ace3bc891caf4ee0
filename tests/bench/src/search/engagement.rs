//! Events of the imported contacts, so that there are scores and moments to search by.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::product::Product;
use crate::rows::Rows;
use crate::{BenchError, events};

const MINUTES: u64 = 180 * 24 * 60;
/// Searching may lag behind while this many go by.
const PAUSE: Duration = Duration::from_millis(500);
/// So long nothing may come in before something is held to be lost.
const PATIENCE: Duration = Duration::from_secs(180);

/// Lets two in five contacts open a mail within the last 180 days, and a fifteenth of those visit the
/// pricing page three times; waits until the index knows, and tells how long that took.
pub(super) fn engage(product: &Product, rows: &Rows) -> Result<Duration, BenchError> {
    let began = Instant::now();
    let opened: Vec<u64> = (0..rows.count).filter(|row| row % 5 < 2).collect();
    let visits = (0..rows.count).filter(|row| row % 75 == 0).flat_map(|row| [(row, 1), (row, 2), (row, 3)]);
    let all: Vec<(u64, u64)> = opened.iter().map(|row| (*row, 0)).chain(visits).collect();
    events::in_calls(product, &all, &|(row, number)| event(rows, *row, *number))?;
    let hot = rows.count.div_ceil(75);
    let mut last = (0, Instant::now());
    loop {
        let opens = counted(product, "has:last_opened_at")?;
        if opens == opened.len() as u64 && counted(product, "score:>50")? == hot {
            return Ok(began.elapsed());
        }
        if opens != last.0 {
            last = (opens, Instant::now());
        } else if last.1.elapsed() > PATIENCE {
            return Err(BenchError::Wrong(format!("{opens} of {} opens are known", opened.len())));
        }
        std::thread::sleep(PAUSE);
    }
}

fn event(rows: &Rows, row: u64, number: u64) -> Value {
    // Spread evenly, by a multiplier that has no factor in common with the minutes.
    let ago = TimeDelta::minutes((row.wrapping_mul(7_368_787) % MINUTES) as i64);
    json!({
        "id": format!("engaged-{row}-{number}"),
        "type": if number == 0 { "email.opened" } else { "pricing_page.visited" },
        "contact": { "email": rows.email(row) },
        "occurred_at": Utc::now() - ago,
    })
}

fn counted(product: &Product, query: &str) -> Result<u64, BenchError> {
    let counted = product.client().call("POST", "/contacts/count", Some(&json!({ "query": query })))?;
    Ok(counted["count"].as_u64().unwrap_or_default())
}
