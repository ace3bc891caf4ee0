//! A client of the API, for the command line: blocking, against any base URL.

mod api;
mod import;
mod problem;
#[cfg(test)]
mod tests;
mod upload;

pub(crate) use api::{Api, Call, ClientError};
pub(crate) use import::{Finished, ImportProgress, ImportRequest, import};
