//! What searches cost and take, on contacts that were imported as users do it.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use ::api::App;
use axum::Router;
use clap::Args;
use serde_json::json;
use store::{Clock, Consumed, DynamoStore, Endpoints, Metered as _, SdkConfig, Tables};

use crate::capacity::call_as;
use crate::file::{self, Expected};
use crate::product::{KEY, Product};
use crate::rows::Rows;
use crate::{BenchError, Common, Report, import};

/// Whoever imports a million rows waits longer for the index than for one row.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
const PAUSE: Duration = Duration::from_millis(200);

/// What is asked, and in which order.
const QUESTIONS: [(&str, &str); 10] = [
    ("industry:Software AND country:\"United States\"", ""),
    ("NOT status:unsubscribed AND job_title:Buyer", ""),
    ("budget:>100000", ""),
    ("budget:>100000", "-budget"),
    ("created_at:<30d", ""),
    ("subscription_date:2024-01-01..2024-03-31 vip_status:true", "subscription_date"),
    ("mar*", ""),
    ("email:ingrid.j*", ""),
    ("phone:\"+14155550100\"", ""),
    ("company:\"Acme 77\" OR company:\"Hooli 77\"", ""),
];

/// Searches imported contacts.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// How many contacts there are.
    #[arg(long, default_value_t = 100_000)]
    contacts: u64,
    /// How often each question is asked.
    #[arg(long, default_value_t = 15)]
    repeat: usize,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Imports contacts, waits until the index knows them all, and asks.
///
/// # Errors
/// When the product fails, or the index does not come to know all contacts.
pub fn run(args: &SearchArgs) -> Result<Report, BenchError> {
    let mut report = Report::default();
    let Imported { product, port, .. } = imported(args.contacts, args.common.binary.as_deref(), &mut report)?;
    let runtime = tokio::runtime::Runtime::new().map_err(BenchError::system("cannot start a runtime"))?;
    runtime.block_on(measure(args, port, &mut report))?;
    report.add("peak memory of the process", product.peak_memory_mib()?, "MiB");
    Ok(report)
}

/// Is a product with contacts that the index knows.
pub(crate) struct Imported {
    pub(crate) product: Product,
    /// Of its tables.
    pub(crate) port: u16,
    /// Goes last: the product has its data there.
    _folder: tempfile::TempDir,
}

/// Imports contacts and waits until the index knows them all.
pub(crate) fn imported(
    contacts: u64,
    binary: Option<&Path>,
    report: &mut Report,
) -> Result<Imported, BenchError> {
    let folder = tempfile::tempdir().map_err(BenchError::system("cannot make a directory"))?;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = port.map_err(BenchError::system("cannot find a free port"))?.port();
    let options = ["--dynamodb-port".to_owned(), port.to_string()];
    let product = Product::start_with(binary, &folder.path().join("data"), &options)?;

    let rows = Rows { count: contacts, seed: 1, duplicates: 0.0, bad: 0.0 };
    let path = folder.path().join("contacts.csv");
    let size_bytes = file::write(&rows, &path)?;
    let fresh = [Expected::of(&rows).created, 0, 0, 0];
    import::import(&product, &path, size_bytes, "import", fresh, report)?;
    let waited = until_indexed(&product, contacts)?;
    report.add("indexed after the import was done", waited.as_secs_f64(), "s");
    Ok(Imported { product, port, _folder: folder })
}

/// Reaches the tables of a product by a client of its own, which counts their units.
pub(crate) fn tables(port: u16) -> DynamoStore {
    let endpoint = format!("http://127.0.0.1:{port}");
    let local = || "local".to_owned();
    let endpoints = Endpoints {
        dynamodb: endpoint.clone(),
        s3: endpoint.clone(),
        sqs: endpoint.clone(),
        eventbridge: endpoint,
        access_key: local(),
        secret_key: local(),
    };
    DynamoStore::new(&SdkConfig::for_endpoints(endpoints), Tables::prefixed("leads-")).metered()
}

fn until_indexed(product: &Product, contacts: u64) -> Result<Duration, BenchError> {
    let (client, began) = (product.client(), Instant::now());
    loop {
        let counted = client.call("POST", "/contacts/count", Some(&json!({ "query": "has:email" })))?;
        if counted["count"] == contacts {
            return Ok(began.elapsed());
        }
        if began.elapsed() > PATIENCE {
            return Err(BenchError::Wrong(format!(
                "the index knows {} of {contacts} contacts",
                counted["count"]
            )));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Asks the search function itself, beside the product and on its tables, to count their units.
async fn measure(args: &SearchArgs, port: u16, report: &mut Report) -> Result<(), BenchError> {
    let store = tables(port);
    let router = search::routes(&App::new(store.clone(), Clock::default()));
    let router = router.into_router(&App::new(store.clone(), Clock::default()));
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
            let Consumed { read_units: before, .. } = store.consumed();
            ask(&router, path, body).await?;
            let units = store.consumed().read_units - before;
            let mut times = Vec::with_capacity(args.repeat);
            for _ in 0..args.repeat {
                let began = Instant::now();
                ask(&router, path, body).await?;
                times.push(began.elapsed());
            }
            times.sort();
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            report.add(format!("{name}: {what}, read units"), units, "units");
            report.add(format!("{name}: {what}, p50"), median.as_secs_f64() * 1e3, "ms");
        }
    }
    Ok(())
}

async fn ask(router: &Router, path: &str, body: &serde_json::Value) -> Result<serde_json::Value, BenchError> {
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
