//! `leads doctor` finds and repairs whatever the index lost.

use std::path::Path;
use std::process::{Command, Output};

use index::{IndexTable as _, Item, ItemKey, Kind};
use serde_json::{Value, json};
use store::{TenantStore as _, index_generation};

use crate::client::{Client, until};
use crate::leads_binary::{self, Leads};
use crate::product::{Product, is_elsewhere};

const KEY: &str = "the-key-of-the-doctors-test";
/// As the index numbers its fields.
const COMPANY: u16 = 5;

/// Runs `leads doctor`, and gives how it ended and what it told.
pub fn doctor(client: &Client, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(leads_binary::path());
    command.arg("doctor").args(arguments).args(["--url", &client.url, "--api-key", &client.key]);
    let Output { status, stdout, stderr } = command.output().expect("run leads");
    let stderr = String::from_utf8_lossy(&stderr);
    assert_eq!(stderr, "");
    (status.code(), String::from_utf8(stdout).expect("text"))
}

fn count(client: &Client, query: &str) -> Value {
    let reply = client.post("/api/v1/contacts/count", &json!({ "query": query }));
    assert_eq!(reply.status, 200, "{}", reply.json);
    reply.json["count"].clone()
}

fn create(client: &Client, numbers: std::ops::Range<usize>, company: &str) {
    let people = numbers.map(|n| json!({"email": format!("person-{n}@example.com"), "company": company}));
    let batch = json!({"contacts": people.collect::<Vec<_>>()});
    assert_eq!(client.post("/api/v1/contacts/batch", &batch).json["failed"], 0);
}

/// Deletes what the indexer has not seen yet, while nothing runs.
fn lose_the_stream(data: &Path) -> usize {
    let tables = rusqlite::Connection::open(data.join("tables.sqlite")).expect("open");
    tables.execute("DELETE FROM _stream_records", []).expect("delete")
}

#[test]
fn changes_that_a_killed_indexer_lost_are_found_and_repaired() {
    if is_elsewhere("a process that it may kill") {
        return;
    }
    let data = tempfile::tempdir().expect("a directory");
    let leads = Leads::serve(data.path(), KEY);
    let client = Client::new(&leads.url, KEY);
    create(&client, 0..500, "Acme");
    until(|| (count(&client, "company:acme") == 500).then_some(()));
    // Changes, deletes and newcomers of which the indexer hears some at most.
    create(&client, 400..900, "Globex");
    for n in 0..20 {
        assert_eq!(client.delete(&format!("/api/v1/contacts/person-{n}%40example.com")).status, 204);
    }
    create(&client, 900..1_000, "Initech");
    leads.kill();
    assert!(lose_the_stream(data.path()) > 0, "the stream was empty");

    let leads = Leads::serve(data.path(), KEY);
    let client = Client::new(&leads.url, KEY);
    let right = |client: &Client| {
        ["company:acme", "company:globex", "company:initech", "has:email"].map(|query| count(client, query))
            == [380, 500, 100, 980]
    };
    // Perhaps nothing was lost: then there is nothing to find.
    let was_right = right(&client);
    let (code, told) = doctor(&client, &["--check", "--settle", "1"]);
    assert_eq!(code, Some(if was_right { 0 } else { 2 }), "{told}");
    let (code, told) = doctor(&client, &["--settle", "0"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(right(&client), "{told}");
    let (code, told) = doctor(&client, &[]);
    assert!(
        code == Some(0) && told.starts_with("compared 980 contacts") && told.ends_with("all is right\n"),
        "{told}"
    );
}

#[test]
fn items_of_the_index_that_were_spoiled_are_found_and_repaired() {
    if is_elsewhere("the tables") {
        return;
    }
    let product = Product::get();
    let (slug, client) = product.tenant();
    create(&client, 0..40, "Acme");
    create(&client, 40..60, "Globex");
    until(|| (count(&client, "company:globex") == 20).then_some(()));
    let store = product.process.as_ref().expect("it runs here").data_plane().store();
    product.block_on(async {
        let slug = model::TenantSlug::parse(&slug).expect("a slug");
        let tenant = store.tenant_by_slug(&slug).await.expect("read").expect("a tenant");
        let partition = index_generation(&tenant).partition(Kind::Terms, COMPANY, 0);
        let items = store.query_strong(&partition, &[], |_| true).await.expect("query");
        assert_eq!(items.len(), 2);
        // One is emptied, one becomes junk.
        for ((sort, item), data) in items.into_iter().zip([vec![b'L'], vec![0xFF, 1, 2]]) {
            let spoiled = Item { data, nonce: [9; 8] };
            assert!(store.put(&ItemKey { partition, sort }, spoiled, Some(item.nonce)).await.expect("put"));
        }
    });
    let (code, told) = doctor(&client, &["--check"]);
    assert!(
        code == Some(2) && told.contains("company \"acme\"") && told.contains("company \"globex\""),
        "{told}"
    );
    let (code, told) = doctor(&client, &[]);
    assert!(code == Some(0) && told.contains("company \"globex\": cannot be read, "), "{told}");
    assert!(told.ends_with("2 differences and 0 leftovers, all repaired\n"), "{told}");
    assert_eq!([count(&client, "company:acme"), count(&client, "company:globex")], [40, 20]);
}
