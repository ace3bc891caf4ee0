//! `leads tenants`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::connection::{ended, shown};
use super::print;
use crate::client::{Api, Call, ClientError};

#[derive(Debug, Args)]
pub(super) struct TenantsArgs {
    #[command(subcommand)]
    command: TenantsCommand,
}

#[derive(Debug, Subcommand)]
enum TenantsCommand {
    /// Make a tenant; its first API key is printed on stdout, this once.
    Create {
        /// What people call it.
        name: String,
        /// The base URL of the API.
        #[arg(long, env = "LEADS_URL", default_value = "http://127.0.0.1:4280")]
        url: String,
        /// The operator's key.
        #[arg(long, value_name = "KEY", env = "LEADS_ADMIN_KEY", hide_env_values = true)]
        admin_key: String,
    },
}

pub(super) fn run(args: TenantsArgs) -> ExitCode {
    let TenantsCommand::Create { name, url, admin_key } = args.command;
    ended(create(&Api::new(&url, admin_key), &name))
}

fn create(api: &Api, name: &str) -> Result<(), ClientError> {
    let made = api.call(Call::Post(&json!({ "name": name })), "/admin/tenants")?;
    let member = |name: &str| made.get(name).map(shown).unwrap_or_default();
    super::Terminal::default().line(format_args!("made tenant {} ({})", member("slug"), member("id")));
    print(format_args!("{}", member("api_key")));
    Ok(())
}
