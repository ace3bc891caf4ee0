//! The product under test: one for the whole suite, and a tenant of its own for each test.

use std::io::Write;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use local::{Options, Process};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::client::Client;

/// Is the product that the suite calls.
pub struct Product {
    pub url: String,
    admin_key: String,
    /// What runs in this process, unless the product runs elsewhere.
    pub process: Option<Process>,
    runtime: Runtime,
    tenants: AtomicU32,
}

static PRODUCT: LazyLock<Product> = LazyLock::new(Product::start);

/// Tells whether the product runs elsewhere, and says that a test is skipped there: one that needs
/// more than a URL and keys.
pub fn is_elsewhere(needed: &str) -> bool {
    let elsewhere = std::env::var_os("LEADS_URL").is_some();
    if elsewhere {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Not `println!`, which nobody sees of a test that passes.
        writeln!(std::io::stderr(), "skipped, as LEADS_URL is set: {test} needs {needed}").expect("stderr");
    }
    elsewhere
}

impl Product {
    /// Gives the one product of the suite.
    pub fn get() -> &'static Self {
        &PRODUCT
    }

    fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        if let Ok(url) = std::env::var("LEADS_URL") {
            let admin_key = std::env::var("LEADS_ADMIN_KEY").expect("LEADS_ADMIN_KEY goes with LEADS_URL");
            return Self { url, admin_key, process: None, runtime, tenants: AtomicU32::new(0) };
        }
        let admin_key = "the-operators-key-of-this-suite".to_owned();
        let options = Options { admin_key: Some(admin_key.clone()), ..Options::default() };
        let process = runtime.block_on(Process::start(options)).expect("the product starts");
        Self { url: process.url(), admin_key, process: Some(process), runtime, tenants: AtomicU32::new(0) }
    }

    /// Makes a tenant that nothing else uses, and gives its slug and a client under its key.
    pub fn tenant(&self) -> (String, Client) {
        let operator = Client::new(&self.url, &self.admin_key);
        // Names of their own: slugs are made of them, and of one name there are only so many.
        let number = self.tenants.fetch_add(1, Ordering::Relaxed);
        let name = format!("Test {} {number}", std::process::id());
        let made = operator.post("/api/v1/admin/tenants", &json!({"name": name}));
        assert_eq!(made.status, 201, "{}", made.json);
        let text = |name: &str| made.json[name].as_str().expect("text").to_owned();
        (text("slug"), Client::new(&self.url, &text("api_key")))
    }

    /// Gives a client of a fresh tenant.
    pub fn client(&self) -> Client {
        self.tenant().1
    }

    /// Runs what is async.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}
