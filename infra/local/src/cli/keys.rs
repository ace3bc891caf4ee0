//! `leads keys`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::connection::{Connection, ended, shown, table};
use super::print;
use crate::client::{Call, ClientError};

#[derive(Debug, Args)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// List the API keys, without the keys themselves.
    List,
    /// Make an API key; it is printed on stdout, this once.
    Create {
        /// What people call it.
        name: String,
        /// What it may do, such as contacts:read; may be repeated.
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
        /// From when on it is good for nothing (RFC 3339).
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// Revoke an API key.
    Revoke {
        /// Its id, as `leads keys list` shows it.
        id: String,
    },
}

pub(super) fn run(args: KeysArgs) -> ExitCode {
    ended(act(args))
}

fn act(args: KeysArgs) -> Result<(), ClientError> {
    let api = args.connection.api()?;
    match args.command {
        KeysCommand::List => {
            let keys = api.call(Call::Get, "/api-keys")?;
            let names = ["id", "name", "scopes", "created_at", "expires_at", "last_used_on"];
            table(&names, keys.get("items").unwrap_or(&Value::Null));
        }
        KeysCommand::Create { name, scopes, expires_at } => {
            let body = json!({ "name": name, "scopes": scopes, "expires_at": expires_at });
            let made = api.call(Call::Post(&body), "/api-keys")?;
            print(format_args!("{}", made.get("api_key").map(shown).unwrap_or_default()));
        }
        KeysCommand::Revoke { id } => {
            api.call(Call::Delete, &format!("/api-keys/{id}"))?;
        }
    }
    Ok(())
}
