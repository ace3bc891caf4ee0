//! A process that dies in the middle of an import, and one that is started again.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::leads_binary::Leads;
use crate::product::is_elsewhere;

const KEY: &str = "the-key-of-the-crash-test";
const ROWS: usize = 2_000;
const SEEDS: u64 = 10;

/// Makes a file with new, known, bad and repeated rows.
fn file() -> String {
    let mut file = "Email,First Name,Budget,Notes\n".to_owned();
    for n in 0..ROWS {
        let address = match n % 50 {
            7 => "not an address".to_owned(),
            13 => format!("person-{}@example.com", n - 5),
            21 => format!("known-{n}@example.com"),
            _ => format!("person-{n}@example.com"),
        };
        writeln!(file, "{address},Name {n},{n},\"a note,\nof two lines\"").expect("write");
    }
    file
}

fn prepare(client: &Client) -> Value {
    let known: Vec<Value> = (0..ROWS)
        .filter(|n| n % 50 == 21)
        .map(|n| json!({"email": format!("known-{n}@example.com"), "company": "Acme"}))
        .collect();
    client.post("/api/v1/contacts/batch", &json!({"contacts": known}));
    client.post("/api/v1/imports", &json!({"filename": "crash.csv"})).json
}

/// Hashes all contacts, the counts and the error report.
fn digest(client: &Client, import: &Value) -> (u64, String) {
    assert_eq!(import["status"], "done", "{import}");
    let report = client.fetch(import["errors_url"].as_str().expect("a report"));
    let mut hasher = DefaultHasher::new();
    (client.all_contacts().iter().map(Value::to_string).collect::<Vec<_>>(), report).hash(&mut hasher);
    import["rows"].to_string().hash(&mut hasher);
    (hasher.finish(), import["rows"].to_string())
}

/// Imports the file into a fresh directory; `kill_after` ends the process so long after the upload.
fn run(kill_after: Option<Duration>) -> (u64, String) {
    let data = tempfile::tempdir().expect("a directory");
    let mut leads = Leads::serve(data.path(), KEY);
    let mut client = Client::new(&leads.url, KEY);
    let import = prepare(&client);
    assert_eq!(client.upload(&import["upload"], file().as_bytes()), 200);
    if let Some(after) = kill_after {
        std::thread::sleep(after);
        leads.kill();
        leads = Leads::serve(data.path(), KEY);
        client = Client::new(&leads.url, KEY);
    }
    let ended = client.ended_import(import["id"].as_str().expect("an id"));
    let digest = digest(&client, &ended);
    drop(leads);
    digest
}

#[test]
fn an_import_that_is_killed_at_ten_random_moments_ends_as_if_undisturbed() {
    if is_elsewhere("processes of its own") {
        return;
    }
    let started = std::time::Instant::now();
    let undisturbed = run(None);
    let whole_ms = u64::try_from(started.elapsed().as_millis()).expect("a short test");
    println!("undisturbed: {:016x} {}", undisturbed.0, undisturbed.1);
    for seed in 0..SEEDS {
        let mut hasher = DefaultHasher::new();
        (seed, std::process::id()).hash(&mut hasher);
        // Most of a run is the import; a kill after its end proves little, so stay in its first part.
        let after = Duration::from_millis(hasher.finish() % (whole_ms * 2 / 3).max(1));
        let killed = run(Some(after));
        println!("seed {seed}: killed after {after:?}: {:016x} {}", killed.0, killed.1);
        assert_eq!(killed, undisturbed, "seed {seed}, killed after {after:?}");
    }
}
