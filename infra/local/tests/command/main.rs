//! The command `leads` as a person or a script starts it.

mod leads;
mod serve;
mod services;
