//! `leads events`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::connection::{Connection, ended};
use super::print;
use crate::bus_log::PATH;
use crate::client::ClientError;

/// Between two looks at what is new.
const PAUSE: Duration = Duration::from_millis(300);

pub(super) const AFTER_HELP: &str = "\
Prints the tenant's events as they went over the bus of `leads serve`, one JSON object a line: what
engagement comes in (source leads.engagement), and what happens to contacts (source leads:
contact.created, contact.updated, contact.deleted, score.tier_changed, segment.entered,
segment.exited). The latest 10,000 of all tenants are kept while it runs. On AWS a rule of
EventBridge hands them to whoever is to hear them.";

#[derive(Debug, Args)]
pub(super) struct EventsArgs {
    /// Go on with what comes, until stopped.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: EventsArgs) -> ExitCode {
    ended(show(args))
}

fn show(args: EventsArgs) -> Result<(), ClientError> {
    let EventsArgs { follow, connection } = args;
    let api = connection.api()?;
    let mut after = 0;
    loop {
        let seen: Value = api.outside(&format!("{PATH}?after={after}"))?;
        for event in seen.get("events").and_then(Value::as_array).into_iter().flatten() {
            print(format_args!("{event}"));
        }
        after = seen.get("last").and_then(Value::as_u64).unwrap_or(after);
        if !follow {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}
