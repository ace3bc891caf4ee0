//! The command `leads`.

use std::process::ExitCode;

fn main() -> ExitCode {
    local::cli::run()
}
