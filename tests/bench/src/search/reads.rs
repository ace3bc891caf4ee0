//! What questions cost and take.

use std::time::{Duration, Instant};

use ::api::App;
use axum::Router;
use serde_json::{Value, json};
use store::{Clock, DynamoStore, Metered as _, Traffic};

use crate::capacity::call_as;
use crate::product::KEY;
use crate::{BenchError, Report};

/// So long an answer of the tables is held back to see which calls wait for others: longer than
/// all of them take.
const HELD_BACK: Duration = Duration::from_millis(400);

/// What is asked, and in which order: the rows of the table in search-index.md first. Of who has
/// opened anything, two in five, `last_opened_at` is known and a score there.
const QUESTIONS: [(&str, &str); 15] = [
    ("industry:Software AND country:\"United States\"", ""),
    ("score:>50", ""),
    ("industry:Software", "-score"),
    ("last_opened_at:<30d", ""),
    ("NOT status:unsubscribed AND job_title:Buyer", ""),
    ("first_name:ma* OR last_name:ma*", ""),
    ("email:ingrid.j*", ""),
    ("budget:>100000", ""),
    ("budget:>100000", "-budget"),
    ("created_at:<30d", ""),
    ("created_at:<30d", "-created_at"),
    ("subscription_date:2024-01-01..2024-03-31 vip_status:true", "subscription_date"),
    ("mar*", ""),
    ("phone:\"+14155550100\"", ""),
    ("company:\"Acme 77\" OR company:\"Hooli 77\"", ""),
];

/// Asks the search function itself, beside the product and on its tables, to count their units.
pub(super) async fn measure(
    store: &DynamoStore,
    traffic: &Traffic,
    repeat: usize,
    report: &mut Report,
) -> Result<(), BenchError> {
    let app = App::new(store.clone(), Clock::default());
    let router = search::routes(&app).into_router(&app);
    for (query, sort) in QUESTIONS {
        let body = json!({ "query": query });
        let name = if sort.is_empty() { query.to_owned() } else { format!("{query} by {sort}") };
        // Who calls and which fields there are is cached for a minute: that is paid for here.
        let total = ask(&router, "/contacts/count", &body).await?;
        report.add(format!("{name}: contacts"), total["count"].as_f64().unwrap_or_default(), "contacts");
        let mut page = body.clone();
        if !sort.is_empty() {
            page["sort"] = sort.into();
        }
        for (what, path, body) in [("count", "/contacts/count", &body), ("page", "/contacts/search", &page)] {
            let name = format!("{name}: {what}");
            let (units, (_, bytes)) = (store.consumed().read_units, traffic.so_far());
            ask(&router, path, body).await?;
            report.add(format!("{name}, read units"), store.consumed().read_units - units, "units");
            report.add(format!("{name}, bytes"), (traffic.so_far().1 - bytes) as f64, "bytes");
            let mut times = Vec::with_capacity(repeat);
            for _ in 0..repeat {
                times.push(timed(&router, path, body).await?);
            }
            times.sort();
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            traffic.delay(HELD_BACK);
            let held_back = timed(&router, path, body).await?;
            traffic.delay(Duration::ZERO);
            let waits = held_back.saturating_sub(median).as_secs_f64() / HELD_BACK.as_secs_f64();
            report.add(format!("{name}, round trips"), waits.round(), "calls after one another");
            report.add(format!("{name}, p50"), median.as_secs_f64() * 1e3, "ms");
        }
    }
    Ok(())
}

async fn timed(router: &Router, path: &str, body: &Value) -> Result<Duration, BenchError> {
    let began = Instant::now();
    ask(router, path, body).await?;
    Ok(began.elapsed())
}

async fn ask(router: &Router, path: &str, body: &Value) -> Result<Value, BenchError> {
    call_as(router, KEY, ("POST", path.to_owned(), Some(body.clone()))).await
}

#[cfg(test)]
mod tests {
    use model::rule::{Moment, NoLists, Rule, Zone, bind};

    use super::*;

    #[test]
    fn every_question_is_one_that_the_product_understands() {
        let moment = Moment::new(Clock::default().now(), Zone::utc());
        for (query, _) in QUESTIONS {
            let parsed = Rule::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
            assert!(bind(&parsed, &model::Fields::default(), &NoLists, &moment).is_ok(), "{query}");
        }
    }
}
