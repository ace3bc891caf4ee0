//! Two tenants: what one's burst does to the other's answers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::api::share;
use crate::client::Client;
use crate::product::Product;
use crate::{BenchError, Common, Report};

/// Lets one tenant send as much as it can, and times another's requests meanwhile.
#[derive(Debug, Args)]
pub struct NeighboursArgs {
    /// How many requests of the quiet tenant are timed, each way.
    #[arg(long, default_value_t = 2_000)]
    requests: usize,
    /// How many clients the other one sends with.
    #[arg(long, default_value_t = 8)]
    burst: usize,
    /// How many requests a key may send in ten seconds.
    #[arg(long, default_value_t = 5_000)]
    quota: u32,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Measures the quiet tenant alone, and beside a burst.
///
/// # Errors
/// When the product fails, or refuses the quiet tenant.
pub fn run(args: &NeighboursArgs) -> Result<Report, BenchError> {
    let folder = tempfile::tempdir().map_err(BenchError::system("cannot make a directory"))?;
    let options = ["--requests-a-key".to_owned(), args.quota.to_string()];
    let data = folder.path().join("data");
    let product = Product::start_with(args.common.binary.as_deref(), &data, &options)?;
    let quiet = product.client_of_new_tenant()?;
    let body = json!({ "email": "jane@example.com" });
    quiet.call("POST", "/contacts", Some(&body))?;
    // A quarter of its quota, so that it is the other's burst that is seen.
    let pause = Duration::from_secs_f64(40.0 / f64::from(args.quota));
    let alone = times(&quiet, args.requests, pause)?;

    let (over, sent, refused) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let beside = std::thread::scope(|scope| {
        for _ in 0..args.burst {
            let client = product.client();
            let (over, sent, refused) = (&over, &sent, &refused);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let answer = client.call("GET", "/contacts?limit=50", None);
                    sent.fetch_add(1, Ordering::Relaxed);
                    refused.fetch_add(u64::from(answer.is_err()), Ordering::Relaxed);
                }
            });
        }
        let times = times(&quiet, args.requests, pause);
        over.store(true, Ordering::Relaxed);
        times
    })?;
    let mut report = Report::default();
    for (name, times) in [("alone", &alone), ("beside a burst", &beside)] {
        report.add(format!("{name}: half of them within"), share(times, 50), "ms");
        report.add(format!("{name}: 99 of 100 within"), share(times, 99), "ms");
    }
    report.add("so many times as long, 99 of 100", share(&beside, 99) / share(&alone, 99), "times");
    report.add("requests of the burst", sent.into_inner() as f64, "requests");
    report.add("of them refused", refused.into_inner() as f64, "requests");
    Ok(report)
}

fn times(client: &Client, requests: usize, pause: Duration) -> Result<Vec<Duration>, BenchError> {
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests {
        let began = Instant::now();
        client.call("GET", "/contacts/jane@example.com", None)?;
        times.push(began.elapsed());
        std::thread::sleep(pause);
    }
    times.sort_unstable();
    Ok(times)
}
