//! The command line of `leads`.

mod connection;
mod doctor;
mod events;
mod fields;
mod import;
mod keys;
mod log;
mod rebuild;
mod search;
mod serve;
mod services;
mod signals;
mod tenants;
mod terminal;
mod usage;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::{Data, Ports, StartError};
use terminal::Terminal;

/// Where the data lies unless told otherwise, and where the client looks for the kept key.
const DEFAULT_DATA: &str = ".leads";

const AFTER_HELP: &str = "\
Environment (serve):
  LEADS_API_KEY    the demo tenant's key, 16 to 128 visible ASCII characters;
                   without it one is made, kept in the data directory and printed
  LEADS_ADMIN_KEY  the operator's key, for POST /api/v1/admin/tenants
  LEADS_NOW        where the domain clock starts (RFC 3339), for tests
  RUST_LOG         what is logged, such as `debug` or `import=debug`

Output of serve: on stdout the one line `ready http://ADDRESS` when it can serve; on stderr
LEADS_API_KEY, LEADS_BUCKET and the AWS_* variables of the data plane, one NAME=value a line,
and the log. A file put at s3://$LEADS_BUCKET/inbox/demo/ is imported.

Exit codes:
  0  stopped by SIGTERM or ctrl-c
  1  could not start, or the disk became full; one line on stderr says why
`leads import --help` tells its own.";

/// Leads on your machine: the whole product in one process, and a client for it.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "leads", version, args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API with all functions and the data plane.
    #[command(after_help = AFTER_HELP)]
    Serve(ServeArgs),
    /// Serve the data plane alone, for functions that run elsewhere.
    ///
    /// Prints `export NAME=value` lines on stdout for the functions' environment. Notifications
    /// of new files and queue messages are kept for the next `leads serve`.
    Services(DataArgs),
    /// Import a CSV file into a running Leads.
    #[command(after_help = import::AFTER_HELP)]
    Import(import::ImportArgs),
    /// Make tenants, under the operator's key.
    Tenants(tenants::TenantsArgs),
    /// List, make and revoke API keys.
    Keys(keys::KeysArgs),
    /// List, make, change and drop custom fields.
    Fields(fields::FieldsArgs),
    /// Tell what the tenant has and used.
    Usage(usage::UsageArgs),
    /// Print what goes over the bus of a running `leads serve`.
    #[command(after_help = events::AFTER_HELP)]
    Events(events::EventsArgs),
    /// Find contacts by a query.
    #[command(after_help = search::AFTER_HELP)]
    Search(search::SearchArgs),
    /// Compare the search index with the contacts, and repair it.
    #[command(after_help = doctor::AFTER_HELP)]
    Doctor(doctor::DoctorArgs),
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Where the API listens; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4280")]
    listen: SocketAddr,
    /// Leave the bundled sample file out of a first start.
    #[arg(long)]
    no_sample: bool,
    /// How many requests a key may send in ten seconds; a deployment allows 5,000.
    #[arg(long, value_name = "COUNT", default_value_t = crate::REQUESTS_A_KEY)]
    requests_a_key: u32,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
struct DataArgs {
    /// The directory that holds all data.
    #[arg(long, value_name = "DIRECTORY", default_value = DEFAULT_DATA, conflicts_with = "memory")]
    data: PathBuf,
    /// Keep nothing: the data goes with the process.
    #[arg(long)]
    memory: bool,
    /// The loopback port of DynamoDB; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    dynamodb_port: u16,
    /// The loopback port of S3; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    s3_port: u16,
    /// The loopback port of SQS; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    sqs_port: u16,
}

impl DataArgs {
    fn data(&self) -> Data {
        if self.memory { Data::Memory } else { Data::Directory(self.data.clone()) }
    }

    fn ports(&self) -> Ports {
        Ports { dynamodb: self.dynamodb_port, s3: self.s3_port, sqs: self.sqs_port }
    }
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is there to be told when this cannot be printed.
            let _: std::io::Result<()> = error.print();
            // Not clap's 2, which `leads import` gives another meaning.
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => until_stopped(|terminal| serve::run(args, terminal)),
        Command::Services(args) => until_stopped(|_| services::run(args)),
        Command::Import(args) => import::run(args),
        Command::Tenants(args) => tenants::run(args),
        Command::Keys(args) => keys::run(args),
        Command::Fields(args) => fields::run(args),
        Command::Usage(args) => usage::run(args),
        Command::Events(args) => events::run(args),
        Command::Search(args) => search::run(args),
        Command::Doctor(args) => doctor::run(args),
    }
}

/// Says why a command that serves ended.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0}")]
    Clock(String),
    #[error("{name} is not UTF-8 text")]
    NotText { name: &'static str },
    #[error("the operating system refuses: {0}")]
    System(#[from] std::io::Error),
    #[error("stopped at once at the second signal; what was under way is repeated at the next start")]
    SecondSignal,
}

fn until_stopped<F>(command: impl FnOnce(Terminal) -> F) -> ExitCode
where
    F: Future<Output = Result<(), CommandError>>,
{
    let terminal = Terminal::default();
    log::init(&terminal);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&terminal, &error),
    };
    let ended = runtime.block_on(command(terminal.clone()));
    // Whatever still blocks a thread must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&terminal, &error),
    }
}

fn failed(terminal: &Terminal, error: &dyn std::error::Error) -> ExitCode {
    terminal.line(format_args!("error: {error}"));
    ExitCode::FAILURE
}

/// Prints a line on stdout at once, also into a pipe. A reader that has gone away does not
/// matter: who serves goes on serving.
fn print(line: std::fmt::Arguments<'_>) {
    let mut stdout = std::io::stdout().lock();
    let _: std::io::Result<()> = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves_with_the_options_of_serve() {
        let cli = Cli::try_parse_from(["leads", "--memory", "--listen", "127.0.0.1:0"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!((cli.serve.data.data(), cli.serve.listen.port()), (Data::Memory, 0));
        let cli = Cli::try_parse_from(["leads", "serve", "--data", "elsewhere"]).unwrap();
        let Some(Command::Serve(args)) = cli.command else { panic!("it is serve") };
        assert_eq!(args.data.data(), Data::Directory("elsewhere".into()));
        assert_eq!(args.listen, "127.0.0.1:4280".parse().unwrap());
        assert!(Cli::try_parse_from(["leads", "serve", "--data", "x", "--memory"]).is_err());
    }
}
