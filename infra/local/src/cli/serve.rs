//! `leads serve`.

use std::env::{self, VarError};

use indicatif::ProgressBar;
use store::{Clock, RowCounts};

use super::signals::Signals;
use super::terminal::Terminal;
use super::{CommandError, ServeArgs, print};
use crate::{Options, Process, Progress, SampleError};

pub(super) const BAR: &str = "[{bar:30}] {pos}/{len} rows";

pub(super) async fn run(args: ServeArgs, terminal: Terminal) -> Result<(), CommandError> {
    // Before anything can be left half done.
    let mut signals = Signals::listen()?;
    let process = Process::start(Options {
        data: args.data.data(),
        listen: args.listen,
        ports: args.data.ports(),
        api_key: variable("LEADS_API_KEY")?,
        admin_key: variable("LEADS_ADMIN_KEY")?,
        sample: !args.no_sample,
        requests_a_key: args.requests_a_key,
        clock: Clock::from_env().map_err(CommandError::Clock)?,
    })
    .await?;
    terminal.line(format_args!("LEADS_API_KEY={}", process.api_key()));
    for (name, value) in process.data_plane().environment() {
        terminal.line(format_args!("{name}={value}"));
    }
    print(format_args!("ready {}", process.url()));

    let sample = tokio::spawn(follow(process.import_sample(SampleBar::new(&terminal)), terminal));
    let ended = signals.or_full_disk(process.data_plane()).await;
    tracing::info!("stopping");
    sample.abort();
    signals.unless_again(process.stop()).await?;
    ended
}

fn variable(name: &'static str) -> Result<Option<String>, CommandError> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(CommandError::NotText { name }),
    }
}

async fn follow(import: impl Future<Output = Result<(), SampleError>>, terminal: Terminal) {
    if let Err(error) = import.await {
        terminal.line(format_args!("the sample is not imported: {error}"));
    }
}

/// Shows the import of the sample.
struct SampleBar {
    bar: ProgressBar,
    terminal: Terminal,
}

impl SampleBar {
    fn new(terminal: &Terminal) -> Self {
        Self { bar: terminal.bar("sample", BAR), terminal: terminal.clone() }
    }
}

impl Progress for SampleBar {
    fn rows(&self, done: u64, total: Option<u64>) {
        self.bar.set_length(total.unwrap_or_default());
        self.bar.set_position(done);
    }

    fn done(&self, rows: &RowCounts) {
        self.bar.finish_and_clear();
        self.terminal.line(format_args!("sample imported: {}", counts(rows)));
    }
}

/// Names the counts that are not nought.
fn counts(rows: &RowCounts) -> String {
    let named = [
        (rows.created, "created"),
        (rows.updated, "updated"),
        (rows.unchanged, "unchanged"),
        (rows.invalid, "invalid"),
        (rows.duplicate, "duplicate"),
        (rows.suppressed, "suppressed"),
        (rows.skipped, "skipped"),
    ];
    let named: Vec<String> = named
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    named.join(", ")
}
