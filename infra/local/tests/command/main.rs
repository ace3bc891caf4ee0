//! The command `leads` as a person or a script starts it.

mod import;
mod leads;
mod serve;
mod services;
