//! The log on stderr, for people.

use tracing_subscriber::EnvFilter;

use super::terminal::Terminal;

/// What our crates do, and of others only what worries them.
const DEFAULT: &str =
    "warn,local=info,api=info,contacts=info,import=info,imports=info,settings=info,store=info";

/// Starts to log.
pub(super) fn init(terminal: &Terminal) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let terminal = terminal.clone();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || terminal.clone()).init();
}
