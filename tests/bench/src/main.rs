//! Measures the product: how fast it imports and answers, and what that costs.
//!
//! The product runs in a child process of its own, which is this very binary again: so what is
//! measured is one process with everything in it, as `leads serve` is, and nothing of the bench.
#![expect(clippy::indexing_slicing, reason = "only JSON is indexed, and what it lacks is null")]

mod api;
mod capacity;
mod check;
mod client;
mod error;
mod events;
mod file;
mod import;
mod lists;
mod neighbours;
mod product;
mod report;
mod rows;
mod search;
mod segments;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::error::BenchError;
use crate::report::Report;

/// Measures Leads on this machine.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Import generated contacts as a user does, and count what came of it.
    Import(import::ImportArgs),
    /// Send requests one after another, and 16 side by side.
    Api(api::ApiArgs),
    /// Tell what one tenant's burst does to another tenant's answers.
    Neighbours(neighbours::NeighboursArgs),
    /// Search and count imported contacts, and tell what that costs and takes.
    Search(search::SearchArgs),
    /// Send shuffled engagement events, compare every score with a plain fold, and count units.
    Events(events::EventsArgs),
    /// Count 200 segments of imported contacts in one pass, and hold each count against the contacts.
    Lists(lists::ListsArgs),
}

/// Is what both commands take.
#[derive(Debug, Default, Args)]
struct Common {
    /// Measure this `leads` instead of the product that is built in, to compare two versions.
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Print one JSON object a line, and no table.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|command| command == product::SERVE) {
        return local::cli::run();
    }
    let measured = match Cli::parse().command {
        Command::Import(args) => import::run(&args).map(|report| (report, args.common)),
        Command::Api(args) => api::run(&args).map(|report| (report, args.common)),
        Command::Neighbours(args) => neighbours::run(&args).map(|report| (report, args.common)),
        Command::Events(args) => events::run(&args).map(|report| (report, args.common)),
        Command::Lists(args) => lists::run(&args).map(|report| (report, args.common)),
        Command::Search(args) => search::run(&args).map(|report| (report, args.common)),
    };
    match measured.and_then(|(report, common): (Report, Common)| report.print(common.json)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::failed(&error),
    }
}
