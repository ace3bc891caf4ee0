//! The binary as a child process.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Everything here is far quicker, unless the machine is busy.
const LIMIT: Duration = Duration::from_secs(60);

/// Makes the command with nothing of the caller's environment that it would heed.
pub fn leads(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leads"));
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    for name in ["LEADS_API_KEY", "LEADS_ADMIN_KEY", "LEADS_NOW", "LEADS_URL", "RUST_LOG"] {
        command.env_remove(name);
    }
    command
}

/// Runs the command to its end.
pub fn run(mut command: Command) -> Output {
    command.output().unwrap()
}

/// Asserts that a command failed with one line on stderr, and gives that.
pub fn one_clear_line(output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(output.stdout, b"");
    let line = stderr.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n') && line.starts_with("error: "), "{stderr}");
    line.to_owned()
}

/// Is a running child. It is killed when dropped.
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Waits for the next line on stdout.
    pub fn stdout_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut stderr = String::new();
            self.stderr.read_to_string(&mut stderr).unwrap();
            panic!("it ended: {stderr}");
        }
        line.trim_end().to_owned()
    }

    /// Waits until a line on stderr starts with `start`.
    pub fn stderr_line(&mut self, start: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "it ended without `{start}`");
            if line.starts_with(start) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Reads NAME=value lines from stderr up to and with `last`.
    pub fn variables(&mut self, last: &str) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        while !variables.contains_key(last) {
            let mut line = String::new();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "it ended without {last}");
            if let Some((name, value)) = line.trim_end().split_once('=') {
                variables.insert(name.to_owned(), value.to_owned());
            }
        }
        variables
    }

    /// Sends SIGTERM, waits for the end and gives what stdout still held.
    pub fn terminate(mut self) -> (ExitStatus, String) {
        let killed = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < LIMIT, "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (status, rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}
