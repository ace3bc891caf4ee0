//! The `leads` binary as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Is a running `leads serve`; it goes with this value.
pub struct Leads {
    child: Child,
    pub url: String,
}

/// Finds the binary beside the test's own.
pub fn path() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let folder = test.ancestors().nth(2).expect("target/debug").to_owned();
    let binary = folder.join("leads");
    assert!(binary.exists(), "{} is not built; run `cargo build` first", binary.display());
    binary
}

impl Leads {
    /// Serves from a data directory and waits until it can.
    pub fn serve(data: &Path, key: &str) -> Self {
        let mut child = Command::new(path())
            .args(["serve", "--listen", "127.0.0.1:0", "--no-sample", "--data"])
            .arg(data)
            .env("LEADS_API_KEY", key)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start leads");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        let url =
            line.trim().strip_prefix("ready ").unwrap_or_else(|| panic!("not ready: {line:?}")).to_owned();
        Self { child, url }
    }

    /// Ends the process as a crash does.
    pub fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }
}

impl Drop for Leads {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
