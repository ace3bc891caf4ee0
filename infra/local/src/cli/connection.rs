//! How client commands reach the API, and how they end.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::DEFAULT_DATA;
use super::terminal::Terminal;
use crate::client::{Api, ClientError};

#[derive(Debug, Args)]
pub(super) struct Connection {
    /// The base URL of the API.
    #[arg(long, global = true, env = "LEADS_URL", default_value = "http://127.0.0.1:4280")]
    url: String,
    /// The API key; without it the one that `leads serve` keeps in .leads is used.
    #[arg(long, global = true, value_name = "KEY", env = "LEADS_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

impl Connection {
    pub(super) fn api(self) -> Result<Api, ClientError> {
        let key = match self.api_key {
            Some(key) => key,
            None => crate::process::kept_key(Path::new(DEFAULT_DATA)).map_err(|_| ClientError::NoKey)?,
        };
        Ok(Api::new(&self.url, key))
    }
}

/// Ends a command: with 0, or with 1 and one line that says why.
pub(super) fn ended(result: Result<(), ClientError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Terminal::default().line(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Gives a member as people read it.
pub(super) fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "-".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// Prints records as lines with tabs between the members, after a line with their names.
pub(super) fn table(names: &[&str], records: &serde_json::Value) {
    heading(names);
    rows_of(names, records);
}

/// Prints the line with the names of a table.
pub(super) fn heading(names: &[&str]) {
    super::print(format_args!("{}", names.join("\t")));
}

/// Prints the records of a table.
pub(super) fn rows_of(names: &[&str], records: &serde_json::Value) {
    for record in records.as_array().into_iter().flatten() {
        let cells: Vec<String> =
            names.iter().map(|name| record.get(name).map_or("-".to_owned(), shown)).collect();
        super::print(format_args!("{}", cells.join("\t")));
    }
}
