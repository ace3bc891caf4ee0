//! The command `leads` as a person or a script starts it.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, which clippy does not see")]

mod ground;
mod import;
mod leads;
mod serve;
mod services;
