//! The search index is built anew while contacts come and go and processes end.

use chrono::{DateTime, Utc};
use local::{Data, Options, Process};
use serde_json::{Value, json};
use store::Clock;
use tokio::runtime::Runtime;

use crate::client::{Client, until};
use crate::product::is_elsewhere;

fn create(client: &Client, numbers: std::ops::Range<usize>, company: &str) {
    let people = numbers.map(|n| json!({"email": format!("person-{n}@example.com"), "company": company}));
    let batch = json!({"contacts": people.collect::<Vec<_>>()});
    assert_eq!(client.post("/api/v1/contacts/batch", &batch).json["failed"], 0);
}

fn until_counted(client: &Client, expected: [(&str, usize); 3]) {
    let count =
        |query: &str| client.post("/api/v1/contacts/count", &json!({ "query": query })).json["count"].clone();
    until(|| expected.iter().all(|(query, expected)| count(query) == *expected).then_some(()));
}

/// Goes a step on, and gives the phase after it.
fn step(client: &Client, begin: bool) -> String {
    let reply = client.post("/api/v1/index/rebuild", &json!({ "begin": begin }));
    assert_eq!(reply.status, 200, "{}", reply.json);
    reply.json["phase"].as_str().expect("a phase").to_owned()
}

/// Only the clock of the processes moves: nobody waits until instances have forgotten what they knew.
#[test]
fn an_index_is_built_anew_across_restarts_and_misses_nothing_that_is_written_meanwhile() {
    if is_elsewhere("a clock of its own") {
        return;
    }
    let data = tempfile::tempdir().expect("a directory");
    let runtime = Runtime::new().expect("a runtime");
    let key = "the-key-of-the-rebuilds-test";
    let at = |now: &str| -> (Process, Client) {
        let options = Options {
            data: Data::Directory(data.path().to_owned()),
            api_key: Some(key.to_owned()),
            clock: Clock::starting_at(now.parse::<DateTime<Utc>>().expect("a time")),
            ..Options::default()
        };
        let process = runtime.block_on(Process::start(options)).expect("the product starts");
        let client = Client::new(&process.url(), key);
        (process, client)
    };

    let (process, client) = at("2026-11-23T12:00:00Z");
    create(&client, 0..300, "Acme");
    until_counted(&client, [("company:acme", 300), ("company:globex", 0), ("has:email", 300)]);
    assert_eq!((step(&client, false), step(&client, true)), ("idle".into(), "announced".into()));
    create(&client, 200..400, "Globex");
    until_counted(&client, [("company:acme", 200), ("company:globex", 200), ("has:email", 400)]);
    drop(client);
    runtime.block_on(process.stop());

    let (process, client) = at("2026-11-23T12:01:30Z");
    assert_eq!(step(&client, true), "building");
    create(&client, 0..50, "Globex");
    for n in 390..400 {
        assert_eq!(client.delete(&format!("/api/v1/contacts/person-{n}%40example.com")).status, 204);
    }
    assert_eq!(step(&client, false), "switched");
    until_counted(&client, [("company:acme", 150), ("company:globex", 240), ("has:email", 390)]);
    drop(client);
    runtime.block_on(process.stop());

    let (process, client) = at("2026-11-23T12:05:00Z");
    create(&client, 400..410, "Acme");
    until_counted(&client, [("company:acme", 160), ("company:globex", 240), ("has:email", 400)]);
    let removed = client.post("/api/v1/index/rebuild", &json!({})).json;
    assert_eq!(removed["phase"], "idle", "{removed}");
    // Who is live, two companies, starts and ends of addresses, who has a company, and when all came.
    assert_eq!(removed["removed"], 7, "{removed}");
    until_counted(&client, [("company:acme", 160), ("company:globex", 240), ("has:email", 400)]);
    let audit = client.post("/api/v1/index/audit", &json!({"settle_s": 1})).json;
    let expected: (&Value, &Value) = (&json!([]), &json!(400));
    assert_eq!((&audit["differences"], &audit["contacts"]), expected, "{audit}");
    drop(client);
    runtime.block_on(process.stop());
}
