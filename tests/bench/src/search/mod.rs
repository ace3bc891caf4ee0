//! What searches cost and take, on contacts that were imported as users do it.

mod engagement;
mod reads;
mod writes;

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use store::{DynamoStore, Endpoints, Metered as _, SdkConfig, Tables, Traffic};

use crate::file::{self, Expected};
use crate::product::Product;
use crate::rows::Rows;
use crate::{BenchError, Common, Report, import, lists};

/// Whoever imports a million rows waits longer for the index than for one row.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
const PAUSE: Duration = Duration::from_millis(200);

/// Searches imported contacts.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// How many contacts there are.
    #[arg(long, default_value_t = 100_000)]
    contacts: u64,
    /// How often each question is asked.
    #[arg(long, default_value_t = 15)]
    repeat: usize,
    /// Import nothing, and ask a product that runs already and has contacts: here its tables listen.
    #[arg(long, value_name = "PORT")]
    tables_port: Option<u16>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Imports contacts, waits until the index knows them all, and asks.
///
/// # Errors
/// When the product fails, or the index does not come to know all contacts.
pub fn run(args: &SearchArgs) -> Result<Report, BenchError> {
    let mut report = Report::default();
    let runtime = tokio::runtime::Runtime::new().map_err(BenchError::system("cannot start a runtime"))?;
    if let Some(port) = args.tables_port {
        runtime.block_on(ask(port, args.repeat, &mut report))?;
        return Ok(report);
    }
    let imported = imported(args.contacts, args.common.binary.as_deref(), &mut report)?;
    let took = engagement::engage(&imported.product, &imported.rows)?;
    report.add("events of two in five, until the index knew", took.as_secs_f64(), "s");
    runtime.block_on(async {
        let store = ask(imported.port, args.repeat, &mut report).await?;
        writes::measure(&store, &mut report).await
    })?;
    report.add("peak memory of the process", imported.product.peak_memory_mib()?, "MiB");
    Ok(report)
}

async fn ask(port: u16, repeat: usize, report: &mut Report) -> Result<DynamoStore, BenchError> {
    let traffic = Traffic::default();
    let store = watched_tables(port, &traffic);
    reads::measure(&store, &traffic, repeat, report).await?;
    lists::count_all(&store, &traffic, repeat, report).await?;
    Ok(store)
}

/// Is a product with contacts that the index knows.
pub(crate) struct Imported {
    pub(crate) product: Product,
    /// Of its tables.
    pub(crate) port: u16,
    /// What was imported.
    rows: Rows,
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
    Ok(Imported { product, port, rows, _folder: folder })
}

/// Reaches the tables of a product by a client of its own, which counts their units.
pub(crate) fn tables(port: u16) -> DynamoStore {
    watched_tables(port, &Traffic::default())
}

fn watched_tables(port: u16, traffic: &Traffic) -> DynamoStore {
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
    let sdk = SdkConfig::for_endpoints(endpoints).watched(traffic);
    DynamoStore::new(&sdk, Tables::prefixed("leads-")).metered()
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
