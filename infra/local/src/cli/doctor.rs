//! `leads doctor`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::json;

use super::connection::Connection;
use super::print;
use super::terminal::Terminal;
use crate::client::{Api, ClientError};

pub(super) const BAR: &str = "[{bar:30}] {pos}/{len}";

/// How often a piece is asked for that the server had no time for.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);
/// How often a piece is repaired in which something is left.
const ROUNDS: u32 = 3;

pub(super) const AFTER_HELP: &str = "\
Compares the search index of the API key's tenant with its contacts, and puts right what differs.
What changed in the last seconds may still be on its way to the index and is looked at twice.

--rebuild first builds the index anew beside the one in use, which stays right meanwhile: some four
minutes, and longer for a large tenant. Stop it at any time; the next one goes on from there.

Each difference is a line on stdout, and the last line tells how it ended. Progress goes to stderr.
The key needs the scope index:write.

Exit codes:
  0  all is right, perhaps because it was repaired
  2  there are differences: --check left them, or they could not be repaired
  1  failed, refused or out of reach, or the command line is wrong";

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Tell what differs, and write nothing.
    #[arg(long)]
    check: bool,
    /// Build the index anew first.
    #[arg(long, conflicts_with = "check")]
    rebuild: bool,
    /// Seconds (0 to 10) that a change may be on its way to the index.
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    settle: u64,
    #[command(flatten)]
    connection: Connection,
}

/// Is what one piece of the index is like.
#[derive(Debug, Deserialize)]
struct Piece {
    next: Option<u32>,
    end: u32,
    contacts: u64,
    items: u64,
    differences: Vec<Difference>,
    unlisted: u64,
    leftovers: u64,
    strange_keys: u64,
    left: u64,
}

#[derive(Debug, Deserialize)]
struct Difference {
    field: String,
    value: Option<String>,
    missing: u64,
    extra: u64,
    unreadable: bool,
    contacts: Vec<String>,
}

/// Sums up all pieces.
#[derive(Debug, Default, PartialEq)]
struct Diagnosis {
    contacts: u64,
    items: u64,
    differences: u64,
    leftovers: u64,
    strange_keys: u64,
    left: u64,
}

impl Diagnosis {
    fn is_well(&self) -> bool {
        self.left == 0 && self.strange_keys == 0
    }
}

pub(super) fn run(args: DoctorArgs) -> ExitCode {
    let terminal = Terminal::default();
    match examine(args, &terminal) {
        Ok(diagnosis) => {
            print(format_args!("{diagnosis}"));
            if diagnosis.is_well() { ExitCode::SUCCESS } else { ExitCode::from(2) }
        }
        Err(error) => {
            terminal.line(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn examine(args: DoctorArgs, terminal: &Terminal) -> Result<Diagnosis, ClientError> {
    let DoctorArgs { check, rebuild, settle, connection } = args;
    let api = connection.api()?;
    if rebuild {
        let bar = terminal.bar("rebuild", BAR);
        let rebuilt = super::rebuild::rebuild(&api, &bar);
        bar.finish_and_clear();
        print(format_args!("{}", rebuilt?));
    }
    let bar = terminal.bar("audit", BAR);
    let ended = pieces(&api, !check, settle, &bar);
    bar.finish_and_clear();
    ended
}

fn pieces(api: &Api, repairs: bool, settle_s: u64, bar: &ProgressBar) -> Result<Diagnosis, ClientError> {
    let mut diagnosis = Diagnosis::default();
    let mut from = Some(0);
    while let Some(start) = from {
        let mut rounds = 0;
        let piece = loop {
            let piece = audit(api, start, repairs, settle_s)?;
            for difference in &piece.differences {
                bar.suspend(|| print(format_args!("{difference}")));
            }
            if piece.unlisted > 0 {
                bar.suspend(|| print(format_args!("and {} more of this piece", piece.unlisted)));
            }
            diagnosis.differences += piece.differences.len() as u64 + piece.unlisted;
            diagnosis.leftovers += piece.leftovers;
            rounds += 1;
            if !repairs || piece.left == 0 || rounds == ROUNDS {
                break piece;
            }
        };
        diagnosis.contacts += piece.contacts;
        diagnosis.items += piece.items;
        diagnosis.left += piece.left;
        diagnosis.strange_keys += piece.strange_keys;
        bar.set_length(piece.end.into());
        bar.set_position(piece.next.unwrap_or(piece.end).into());
        from = piece.next;
    }
    Ok(diagnosis)
}

fn audit(api: &Api, from: u32, repairs: bool, settle_s: u64) -> Result<Piece, ClientError> {
    let body = json!({ "from": from, "repair": repairs, "settle_s": settle_s });
    patiently(|| api.post("/index/audit", &body))
}

/// Asks again where the server had no time: each time more is done already.
pub(super) fn patiently<T>(ask: impl Fn() -> Result<T, ClientError>) -> Result<T, ClientError> {
    for _ in 1..ATTEMPTS {
        match ask() {
            Err(error) if error.may_pass() => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    ask()
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.field)?;
        if let Some(value) = &self.value {
            write!(f, " {value:?}")?;
        }
        f.write_str(":")?;
        if self.unreadable {
            f.write_str(" cannot be read,")?;
        }
        write!(f, " {} missing, {} too many", self.missing, self.extra)?;
        if !self.contacts.is_empty() {
            write!(f, " ({}", self.contacts.join(", "))?;
            let all = self.missing + self.extra;
            f.write_str(if all > self.contacts.len() as u64 { ", …)" } else { ")" })?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { contacts, items, differences, leftovers, strange_keys, left } = self;
        write!(f, "compared {contacts} contacts with {items} items of the index: ")?;
        match (*differences + *leftovers, *left) {
            (0, _) => f.write_str("all is right")?,
            (_, 0) => write!(f, "{differences} differences and {leftovers} leftovers, all repaired")?,
            (_, left) => write!(f, "{differences} differences and {leftovers} leftovers, {left} are left")?,
        }
        if *strange_keys > 0 {
            write!(f, "; {strange_keys} keys are not of an index")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_in_one_line() {
        let told = |json| serde_json::from_value::<Difference>(json).unwrap().to_string();
        let set = json!({"field": "company", "value": "acme", "missing": 2, "extra": 0, "unreadable": false, "contacts": ["a"]});
        assert_eq!(told(set), "company \"acme\": 2 missing, 0 too many (a, …)");
        let column = json!({"field": "score", "value": null, "missing": 1, "extra": 1, "unreadable": true, "contacts": []});
        assert_eq!(told(column), "score: cannot be read, 1 missing, 1 too many");
    }

    #[test]
    fn a_diagnosis_says_whether_all_is_right() {
        let clean = Diagnosis { contacts: 3, items: 20, ..Diagnosis::default() };
        assert_eq!(clean.to_string(), "compared 3 contacts with 20 items of the index: all is right");
        let repaired = Diagnosis { differences: 2, leftovers: 1, ..Diagnosis::default() };
        assert!(repaired.to_string().ends_with("2 differences and 1 leftovers, all repaired"));
        let left = Diagnosis { left: 2, ..repaired };
        assert!(left.to_string().ends_with("2 are left") && !left.is_well());
    }
}
