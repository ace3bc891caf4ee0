//! Engagement events: what they cost, how many a second, and whether every score is right.

mod stream;
mod units;

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use self::stream::{Shown, Stream};
use crate::client::Client;
use crate::file::{self, Expected};
use crate::product::Product;
use crate::rows::Rows;
use crate::{BenchError, Common, Report, import};

/// What one call takes.
const EVENTS_A_CALL: usize = 1_000;
const CLIENTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(500);
/// So long nothing may change before something is held to be lost.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sends engagement events.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// How many different events.
    #[arg(long, default_value_t = 20_000)]
    events: u64,
    /// Of how many contacts.
    #[arg(long, default_value_t = 2_000)]
    contacts: u64,
    /// Which share of the events is sent twice.
    #[arg(long, default_value_t = 0.1)]
    duplicates: f64,
    /// Makes other events.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Of how many contacts the events are whose units are counted; 0 counts none.
    #[arg(long, default_value_t = 10_000)]
    unit_contacts: usize,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Counts units; then sends shuffled events to the product and compares every contact with a plain
/// fold.
///
/// # Errors
/// When the product fails, or any contact shows anything else.
pub fn run(args: &EventsArgs) -> Result<Report, BenchError> {
    let mut report = Report::default();
    if args.unit_contacts > 0 {
        let runtime = tokio::runtime::Runtime::new().map_err(BenchError::system("cannot start a runtime"))?;
        runtime.block_on(units::measure(args.unit_contacts, &mut report))?;
    }
    let folder = tempfile::tempdir().map_err(BenchError::system("cannot make a directory"))?;
    let product = Product::start(args.common.binary.as_deref(), &folder.path().join("data"))?;
    let rows = Rows { count: args.contacts, seed: args.seed, duplicates: 0.0, bad: 0.0 };
    let path = folder.path().join("contacts.csv");
    let size_bytes = file::write(&rows, &path)?;
    let fresh = [Expected::of(&rows).created, 0, 0, 0];
    import::import(&product, &path, size_bytes, "import", fresh, &mut Report::default())?;

    let stream = Stream { events: args.events, contacts: args.contacts, seed: args.seed };
    let order = stream.deliveries(args.duplicates);
    report.add("events sent, shuffled and with repeats", order.len() as f64, "events");
    let (began, cpu_before) = (Instant::now(), product.cpu()?);
    send(&product, &rows, &stream, &order)?;
    let sent = began.elapsed();
    until_recorded(&product.client(), order.len() as u64)?;
    let done = began.elapsed();
    let cpu = product.cpu()?.saturating_sub(cpu_before);
    if let Some(wrong) = first_wrong(&product.client(), &rows, &stream.naive())? {
        return Err(BenchError::Wrong(wrong));
    }
    let events = order.len() as f64;
    report.add("events a second, sent", events / sent.as_secs_f64(), "events/s");
    report.add("events a second, sent and recorded", events / done.as_secs_f64(), "events/s");
    report.add("CPU an event", cpu.as_secs_f64() * 1e6 / events, "µs");
    report.add("contacts compared with a plain fold", args.contacts as f64, "contacts");
    report.add("peak memory of the process", product.peak_memory_mib()?, "MiB");
    Ok(report)
}

fn send(product: &Product, rows: &Rows, stream: &Stream, order: &[u64]) -> Result<(), BenchError> {
    in_calls(product, order, &|n| stream.event(rows, *n))
}

/// Sends events, a thousand a call, from some clients at once.
pub(crate) fn in_calls<T: Sync>(
    product: &Product,
    all: &[T],
    event: &(impl Fn(&T) -> Value + Sync),
) -> Result<(), BenchError> {
    let calls: Vec<&[T]> = all.chunks(EVENTS_A_CALL).collect();
    let shares = calls.chunks(calls.len().div_ceil(CLIENTS).max(1));
    std::thread::scope(|scope| {
        let senders: Vec<_> = shares
            .map(|share| {
                let client = product.client();
                scope.spawn(move || {
                    share
                        .iter()
                        .try_for_each(|some| call(&client, &some.iter().map(event).collect::<Vec<_>>()))
                })
            })
            .collect();
        senders.into_iter().try_for_each(|sender| match sender.join() {
            Ok(sent) => sent,
            Err(_) => Err(BenchError::Wrong("a client panicked".to_owned())),
        })
    })
}

fn call(client: &Client, events: &[Value]) -> Result<(), BenchError> {
    let answer = client.call("POST", "/events", Some(&json!({ "events": events })))?;
    match answer["accepted"].as_u64() {
        Some(accepted) if accepted == events.len() as u64 => Ok(()),
        _ => Err(BenchError::Wrong(format!("not all events were taken: {answer}"))),
    }
}

/// Waits until as many events are counted as were sent: each is recorded by then.
fn until_recorded(client: &Client, sent: u64) -> Result<(), BenchError> {
    let mut last = (0, Instant::now());
    loop {
        let asked = Instant::now();
        let usage = client.call("GET", "/usage", None)?;
        let days = usage["days"].as_array().into_iter().flatten();
        let recorded = days.filter_map(|day| day["events"].as_u64()).sum();
        if recorded >= sent {
            return Ok(());
        }
        if recorded != last.0 {
            last = (recorded, Instant::now());
        } else if last.1.elapsed() > PATIENCE {
            return Err(BenchError::Wrong(format!("{recorded} of {sent} events were recorded, and no more")));
        }
        // To count a million takes a while, and is not what is measured.
        std::thread::sleep(PAUSE.max(asked.elapsed() * 20));
    }
}

/// Tells of the first contact that shows anything else than it should.
fn first_wrong(client: &Client, rows: &Rows, wanted: &[Shown]) -> Result<Option<String>, BenchError> {
    let (mut path, mut seen) = ("/contacts?limit=200".to_owned(), 0);
    loop {
        let page = client.call("GET", &path, None)?;
        for contact in page["items"].as_array().into_iter().flatten() {
            let email = contact["email"].as_str().unwrap_or_default();
            let number = Rows::of_email(email).and_then(|number| usize::try_from(number).ok());
            let Some(wanted) = number.and_then(|number| wanted.get(number)) else {
                return Err(BenchError::Wrong(format!("no row of {} has the address {email}", rows.count)));
            };
            let count = |name: &str| contact[name].as_u64().unwrap_or_default();
            let shown = Shown {
                score: contact["score"].as_i64().unwrap_or_default(),
                counts: ["opens", "clicks", "replies", "visits"].map(count),
            };
            if shown != *wanted {
                return Ok(Some(format!("{email} should show {wanted:?} and shows {shown:?}")));
            }
            seen += 1;
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/contacts?limit=200&cursor={cursor}"),
            None if seen == wanted.len() => return Ok(None),
            None => return Err(BenchError::Wrong(format!("{seen} of {} contacts are there", wanted.len()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_events_are_within_their_bounds() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut report = Report::default();
        runtime.block_on(units::measure(1_000, &mut report)).unwrap();
        let value = |name: &str| report.value(name).unwrap();
        // Four an event, and one a batch to count what was taken.
        for (size, bound) in [(1, 5.0), (10, 4.2), (100, 4.1), (1_000, 4.1)] {
            let writes = value(&format!("in batches of {size}: write units an event"));
            assert!(writes <= bound, "{size}: {writes}");
        }
        // Score, last open, opens.
        assert!(value("in batches of 1: index units an event") <= 3.0);
        assert!(value("in batches of 1000: index units an event") <= 0.1);
        // The contact is all that is written: the entry follows from the ledger.
        assert!(value("a step of decay: write units") <= 1.0);
        // The contact, its ledger, and a share of the index and the directory.
        assert!(value("a step of decay: read units") <= 2.2);
        assert!(value("a step of decay, of many: index units") <= 0.1);
        assert!(value("create of 12 fields: index units") <= 17.0);
    }
}
