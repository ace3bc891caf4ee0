//! Requests, measured: how many a second, and what each costs.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::client::Client;
use crate::product::Product;
use crate::{BenchError, Common, Report, capacity};

/// Clients at once: one for what a request takes, 16 for what the machine gives.
const CONCURRENCIES: [usize; 2] = [1, 16];

/// Contacts in a batch.
const BATCH: usize = 100;

/// Batches and pages are so much larger than one contact.
const FEWER: usize = 20;

/// Sends requests.
#[derive(Debug, Args)]
pub struct ApiArgs {
    /// How many of each kind at each concurrency; of batches and pages, a twentieth.
    #[arg(long, default_value_t = 2_000)]
    requests: usize,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Is a kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Creates one contact.
    Create,
    /// Reads one by its id.
    ReadById,
    /// Reads one by its email.
    ReadByEmail,
    /// Changes one member.
    Patch,
    /// Puts what is there already.
    UpsertUnchanged,
    /// Creates a hundred.
    Batch,
    /// Lists fifty.
    Page,
}

impl Kind {
    /// Lists all kinds, in an order in which each finds what it needs.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::ReadById,
        Self::ReadByEmail,
        Self::Patch,
        Self::UpsertUnchanged,
        Self::Batch,
        Self::Page,
    ];

    /// Names the kind in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::ReadById => "read by id",
            Self::ReadByEmail => "read by email",
            Self::Patch => "patch",
            Self::UpsertUnchanged => "upsert unchanged",
            Self::Batch => "batch of 100",
            Self::Page => "page of 50",
        }
    }

    /// Gives one request on the contact with a number; `id` is that contact's.
    pub fn request(self, number: &str, id: &str) -> (&'static str, String, Option<Value>) {
        let contacts = "/contacts".to_owned();
        match self {
            Self::Create => ("POST", contacts, Some(contact(number))),
            Self::ReadById => ("GET", format!("/contacts/{id}"), None),
            Self::ReadByEmail => ("GET", format!("/contacts/{}", email(number)), None),
            Self::Patch => {
                ("PATCH", format!("/contacts/{id}"), Some(json!({ "company": format!("Acme {number}") })))
            }
            Self::UpsertUnchanged => {
                ("PUT", contacts, Some(json!({ "email": email(number), "first_name": "Jane" })))
            }
            Self::Batch => {
                let batch: Vec<Value> = (0..BATCH).map(|n| contact(&format!("{number}-{n}"))).collect();
                ("POST", "/contacts/batch".to_owned(), Some(json!({ "contacts": batch })))
            }
            Self::Page => ("GET", "/contacts?limit=50".to_owned(), None),
        }
    }
}

fn email(number: &str) -> String {
    format!("jane.doe.{number}@example.com")
}

fn contact(number: &str) -> Value {
    json!({
        "email": email(number),
        "first_name": "Jane",
        "last_name": "Doe",
        "company": "Northwind Traders",
        "job_title": "Head of Procurement",
        "phone": "+1 415 555 0100",
        "attributes": { "city": "San Francisco", "budget": 120_000, "vip": true },
    })
}

/// Measures each kind of request.
///
/// # Errors
/// When the product fails.
pub fn run(args: &ApiArgs) -> Result<Report, BenchError> {
    let folder = tempfile::tempdir().map_err(BenchError::system("cannot make a directory"))?;
    let product = Product::start(args.common.binary.as_deref(), &folder.path().join("data"))?;
    let mut report = Report::default();
    for clients in CONCURRENCIES {
        let mut ids = vec![Vec::new(); clients];
        for kind in Kind::ALL {
            let each = match kind {
                Kind::Batch | Kind::Page => args.requests / FEWER,
                _ => args.requests,
            };
            let each = (each / clients).max(1);
            let cpu_before = product.cpu()?;
            let began = Instant::now();
            let times = side_by_side(&product, kind, each, &mut ids)?;
            let elapsed = began.elapsed();
            let cpu = product.cpu()?.saturating_sub(cpu_before);
            let count = (each * clients) as f64;
            let mut add = |what: &str, value: f64, unit| {
                report.add(format!("{}, {clients} at once: {what}", kind.name()), value, unit);
            };
            add("requests a second", count / elapsed.as_secs_f64(), "requests/s");
            add("half of them within", share(&times, 50), "ms");
            add("99 of 100 within", share(&times, 99), "ms");
            add("CPU a request", cpu.as_secs_f64() * 1e6 / count, "µs");
        }
    }
    capacity::measure(&mut report)?;
    Ok(report)
}

/// Lets one thread a client send its requests, and gives how long each took, sorted.
fn side_by_side(
    product: &Product,
    kind: Kind,
    each: usize,
    ids: &mut [Vec<String>],
) -> Result<Vec<Duration>, BenchError> {
    let clients = ids.len();
    let sent: Vec<Result<Vec<Duration>, BenchError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = ids
            .iter_mut()
            .enumerate()
            .map(|(number, ids)| {
                let client = product.client();
                scope.spawn(move || send(&client, kind, each, &format!("{clients}-{number}"), ids))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|_| Err(BenchError::Wrong("a client panicked".into())))
            })
            .collect()
    });
    let mut times = Vec::with_capacity(each * clients);
    for sent in sent {
        times.extend(sent?);
    }
    times.sort_unstable();
    Ok(times)
}

fn send(
    client: &Client,
    kind: Kind,
    each: usize,
    name: &str,
    ids: &mut Vec<String>,
) -> Result<Vec<Duration>, BenchError> {
    let mut times = Vec::with_capacity(each);
    for n in 0..each {
        let id = ids.get(n).map_or("", String::as_str);
        let (method, path, body) = kind.request(&format!("{name}-{n}"), id);
        let began = Instant::now();
        let answer = client.call(method, &path, body.as_ref())?;
        times.push(began.elapsed());
        if kind == Kind::Create {
            ids.push(answer["id"].as_str().unwrap_or_default().to_owned());
        }
    }
    Ok(times)
}

/// Gives the time in milliseconds within which so many of a hundred were answered.
pub(crate) fn share(times: &[Duration], percent: usize) -> f64 {
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, Duration::as_secs_f64) * 1e3
}
