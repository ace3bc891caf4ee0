//! What a measurement may end with.

use std::io::Write as _;
use std::process::ExitCode;

/// Says why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The operating system refuses.
    #[error("{what}: {source}")]
    System {
        /// What it refuses.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The product did not come up.
    #[error("the product did not start; it said: {0}")]
    NotReady(String),
    /// A request got no answer.
    #[error("no answer: {0}")]
    NoAnswer(#[from] ureq::Error),
    /// A request got another answer than it should.
    #[error("{method} {path} answered {status}: {body}")]
    Answer {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// The start of the body.
        body: String,
    },
    /// The product lost or doubled something: no speed is worth that.
    #[error("wrong result: {0}")]
    Wrong(String),
}

impl BenchError {
    /// Wraps an error of the operating system.
    pub fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}

/// Tells on stderr why there is no measurement.
pub fn failed(error: &BenchError) -> ExitCode {
    // Nobody is there to be told when this cannot be printed.
    let _: std::io::Result<()> = writeln!(std::io::stderr(), "error: {error}");
    ExitCode::FAILURE
}
