//! `leads usage`.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::connection::{Connection, ended, shown, table};
use super::print;
use crate::client::{Call, ClientError};

#[derive(Debug, Args)]
pub(super) struct UsageArgs {
    /// The first day (UTC, YYYY-MM-DD); 30 days without it.
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day; today without it.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: UsageArgs) -> ExitCode {
    ended(show(args))
}

fn show(args: UsageArgs) -> Result<(), ClientError> {
    let days = [("from", args.from), ("to", args.to)];
    let days = days.into_iter().filter_map(|(name, day)| Some(format!("{name}={}", day?)));
    let query = days.collect::<Vec<_>>().join("&");
    let usage = args.connection.api()?.call(Call::Get, &format!("/usage?{query}"))?;
    let held = usage.get("contacts_held").unwrap_or(&Value::Null);
    let held = |name: &str| held.get(name).map_or("-".to_owned(), shown);
    print(format_args!("{} contacts held, counted at {}", held("count"), held("counted_at")));
    let names = ["day", "contacts_held", "imports", "imported_rows", "exports", "events", "searches"];
    table(&names, usage.get("days").unwrap_or(&Value::Null));
    Ok(())
}
