//! `leads import`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use super::connection::Connection;
use super::print;
use super::terminal::Terminal;
use crate::client::{ClientError, Finished, ImportProgress, ImportRequest, import};

pub(super) const UPLOAD_BAR: &str = "[{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}";
pub(super) const ROWS_BAR: &str = "[{bar:30}] {percent}%";

/// Progress comes as a fraction; the bar counts its thousandths.
const STEPS: f64 = 1_000.0;

pub(super) const AFTER_HELP: &str = "\
Examples:
  leads import customers.csv
  leads import customers.csv --map E-Mail=email --map Internal= --mode create_only

The one line on stdout gives the counts, and where the reports of warnings and errors are. Bars
and faults go to stderr.

Exit codes:
  0  done, all rows were good, though values may have been left out with a warning
  2  done, some rows were invalid; the error report names them
  1  failed, refused or out of reach, or the command line is wrong";

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The file.
    file: PathBuf,
    /// Which contacts may be touched.
    #[arg(long, value_enum, default_value_t = Mode::Upsert)]
    mode: Mode,
    /// Reads a column into a field; an empty FIELD leaves the column out. May be repeated.
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = column_and_field)]
    map: Vec<(String, Option<String>)>,
    /// Check the file and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// A list that the contacts join.
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Mode {
    /// New ones and those that are there.
    Upsert,
    /// New ones only.
    CreateOnly,
    /// Those that are there only.
    UpdateOnly,
}

impl Mode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::CreateOnly => "create_only",
            Self::UpdateOnly => "update_only",
        }
    }
}

/// Splits at the last `=`: column names may have one, fields do not.
fn column_and_field(text: &str) -> Result<(String, Option<String>), String> {
    let (column, field) = text.rsplit_once('=').ok_or("give COLUMN=FIELD, or COLUMN= to leave it out")?;
    Ok((column.to_owned(), (!field.is_empty()).then(|| field.to_owned())))
}

pub(super) fn run(args: ImportArgs) -> ExitCode {
    let terminal = Terminal::default();
    match follow(args, &terminal) {
        Ok(finished) => {
            print(format_args!("{finished}"));
            match finished.rows.invalid {
                0 => ExitCode::SUCCESS,
                _ => ExitCode::from(2),
            }
        }
        Err(error) => {
            terminal.line(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn follow(args: ImportArgs, terminal: &Terminal) -> Result<Finished, ClientError> {
    let api = args.connection.api()?;
    let request = ImportRequest {
        mode: args.mode.as_str(),
        mapping: args.map.into_iter().collect::<BTreeMap<_, _>>(),
        dry_run: args.dry_run,
        lists: args.list.into_iter().collect(),
    };
    let bars = Bars { terminal: terminal.clone(), upload: None, rows: None };
    import(&api, &args.file, &request, bars)
}

/// Shows the upload, then the rows.
struct Bars {
    terminal: Terminal,
    upload: Option<ProgressBar>,
    rows: Option<ProgressBar>,
}

impl ImportProgress for Bars {
    fn uploaded(&mut self, bytes: u64, total: u64) {
        let bar = self.upload.get_or_insert_with(|| self.terminal.bar("upload", UPLOAD_BAR));
        bar.set_length(total);
        bar.set_position(bytes);
        if bytes == total {
            bar.finish_and_clear();
        }
    }

    fn imported(&mut self, fraction: f64) {
        let bar = self.rows.get_or_insert_with(|| self.terminal.bar("import", ROWS_BAR));
        bar.set_length(STEPS as u64);
        bar.set_position((fraction.clamp(0.0, 1.0) * STEPS) as u64);
        if fraction >= 1.0 {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for bar in [&self.upload, &self.rows].into_iter().flatten() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_splits_at_the_last_equals_sign_and_an_empty_field_leaves_the_column_out() {
        assert_eq!(column_and_field("E-Mail=email"), Ok(("E-Mail".into(), Some("email".into()))));
        assert_eq!(column_and_field("a=b=email"), Ok(("a=b".into(), Some("email".into()))));
        assert_eq!(column_and_field("Notes="), Ok(("Notes".into(), None)));
        assert!(column_and_field("Notes").is_err());
    }
}
