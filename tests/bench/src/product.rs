//! The product as a process of its own, and what the operating system says of it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::BenchError;
use crate::client::Client;

/// The command under which this binary is the product.
pub const SERVE: &str = "serve";

pub(crate) const KEY: &str = "the-key-of-the-benchmarks";
const ADMIN_KEY: &str = "the-operators-key-of-the-benchmarks";

/// Linux counts a process's time in hundredths of a second, whatever the machine (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Is the running product; it goes with this value.
#[derive(Debug)]
pub struct Product {
    child: Child,
    url: String,
}

impl Product {
    /// Serves from a directory and waits until it can. Without another binary it is this one.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(binary: Option<&Path>, data: &Path) -> Result<Self, BenchError> {
        Self::start_with(binary, data, &[])
    }

    /// Serves with further options.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_with(binary: Option<&Path>, data: &Path, options: &[String]) -> Result<Self, BenchError> {
        let binary = match binary {
            Some(binary) => binary.to_owned(),
            None => std::env::current_exe().map_err(BenchError::system("cannot find this binary"))?,
        };
        let mut child = Command::new(binary)
            .args([SERVE, "--listen", "127.0.0.1:0", "--no-sample", "--data"])
            .arg(data)
            .args(options)
            .env("LEADS_API_KEY", KEY)
            .env("LEADS_ADMIN_KEY", ADMIN_KEY)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(BenchError::system("cannot start the product"))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(BenchError::system("cannot hear the product"))?;
        }
        let mut product = Self { child, url: String::new() };
        match line.trim().strip_prefix("ready ") {
            Some(url) => product.url = url.to_owned(),
            None => return Err(BenchError::NotReady(line)),
        }
        Ok(product)
    }

    /// Gives a client with connections of its own.
    pub fn client(&self) -> Client {
        Client::new(&self.url, KEY)
    }

    /// Makes a tenant and gives a client of it.
    ///
    /// # Errors
    /// When there is none.
    pub fn client_of_new_tenant(&self) -> Result<Client, BenchError> {
        let operator = Client::new(&self.url, ADMIN_KEY);
        let made =
            operator.call("POST", "/admin/tenants", Some(&serde_json::json!({ "name": "Another" })))?;
        Ok(Client::new(&self.url, made["api_key"].as_str().unwrap_or_default()))
    }

    /// Tells the time that the process has had on all cores, its own and the system's for it.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn cpu(&self) -> Result<Duration, BenchError> {
        let stat = self.proc("stat")?;
        // The name, in parentheses, may hold spaces; of what follows, these are the 12th and 13th.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        let ticks: u32 =
            fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }

    /// Tells the most memory that the process has had, in MiB.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn peak_memory_mib(&self) -> Result<f64, BenchError> {
        peak_memory_mib(&self.child.id().to_string())
    }

    fn proc(&self, file: &str) -> Result<String, BenchError> {
        proc(&self.child.id().to_string(), file)
    }
}

/// Tells the most memory that a process has had, in MiB; `self` is this one.
///
/// # Errors
/// When the system does not say.
pub(crate) fn peak_memory_mib(process: &str) -> Result<f64, BenchError> {
    let status = proc(process, "status")?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = kib.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kib.unwrap_or_default() / 1_024.0)
}

fn proc(process: &str, file: &str) -> Result<String, BenchError> {
    fs::read_to_string(format!("/proc/{process}/{file}"))
        .map_err(BenchError::system("cannot read /proc; the bench needs Linux"))
}

impl Drop for Product {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
