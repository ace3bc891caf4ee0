//! Files, from the upload to the counts and the error report.

use serde_json::json;
use store::{ObjectStore, S3Objects, SdkConfig};

use crate::client::until;
use crate::product::{Product, is_elsewhere};

const SAMPLE: &str = "\u{feff}First Name;E-Mail;Budget;Notes\r\n\
    Jane;jane@example.com;120000;\"two\r\nlines; and a \"\"quote\"\"\"\r\n\
    Broken;not an address;1;\r\n\
    John;john@example.com;;\r\n\
    Jane B;JANE@example.com;5;later row wins\r\n";

#[test]
fn an_uploaded_file_is_imported_with_a_report_of_its_bad_rows() {
    let client = Product::get().client();
    let import = client.import(&json!({"filename": "leads.csv", "tags": ["fair"]}), SAMPLE.as_bytes());
    assert_eq!(import["status"], "done", "{import}");
    let rows = json!({"total": 4, "created": 2, "updated": 0, "unchanged": 0, "invalid": 1, "duplicate": 1, "suppressed": 0, "skipped": 0});
    assert_eq!(import["rows"], rows);
    assert_eq!(
        (&import["progress"], &import["format"]),
        (&json!(1.0), &json!({"encoding": "utf-8", "kind": "csv", "delimiter": ";"}))
    );
    let report = client.fetch(import["errors_url"].as_str().expect("a report"));
    let mut lines = report.lines();
    assert_eq!(lines.next(), Some("line,row,code,field,message,First Name,E-Mail,Budget,Notes"));
    assert!(lines.next().is_some_and(|line| line.starts_with("4,2,invalid_email,email,")), "{report}");
    let jane = client.get("/api/v1/contacts/jane@example.com").json;
    assert_eq!((&jane["first_name"], &jane["attributes"]["budget"]), (&json!("Jane B"), &json!(5)));
    assert_eq!(jane["tags"], json!(["fair"]));
    assert!(import["consumed"]["write_units"].as_f64().is_some_and(|units| units > 2.0));
}

#[test]
fn the_same_file_again_changes_nothing() {
    let client = Product::get().client();
    client.import(&json!({}), SAMPLE.as_bytes());
    let before = client.all_contacts();
    let again = client.import(&json!({}), SAMPLE.as_bytes());
    assert_eq!(again["rows"]["unchanged"], 2, "{again}");
    assert_eq!(client.all_contacts(), before);
    let listed = client.get("/api/v1/imports?limit=1").json;
    assert_eq!(listed["items"][0]["id"], again["id"]);
    assert!(listed["next_cursor"].is_string());
}

#[test]
fn new_addresses_are_hardly_read_and_known_ones_are_not_written() {
    const ROWS: u64 = 5_000;
    /// Up to the first checkpoint a file shows whether its addresses are known.
    const READ_AT_FIRST: f64 = 2_000.0;
    /// The job, its checkpoints, leases of ordinals.
    const OVERHEAD: f64 = 150.0;
    let client = Product::get().client();
    let mut file = String::from("email,first_name,notes\n");
    (0..ROWS).for_each(|n| file.push_str(&format!("person{n}@example.com,Jane,fair {n}\n")));
    let units = |import: &serde_json::Value, kind| import["consumed"][kind].as_f64().expect("units");

    let first = client.import(&json!({}), file.as_bytes());
    assert_eq!(first["rows"]["created"], ROWS, "{first}");
    // One for the contact, a 24th for its slot, and the odd chunk that two batches share.
    assert!(units(&first, "write_units") < ROWS as f64 * 1.07 + OVERHEAD, "{first}");
    assert!(units(&first, "read_units") < READ_AT_FIRST + OVERHEAD, "{first}");

    let again = client.import(&json!({}), file.as_bytes());
    assert_eq!(again["rows"]["unchanged"], ROWS, "{again}");
    assert!(units(&again, "write_units") < OVERHEAD, "{again}");
    assert!(units(&again, "read_units") < ROWS as f64 + OVERHEAD, "{again}");
}

#[test]
fn what_cannot_be_imported_is_refused_as_a_whole() {
    let client = Product::get().client();
    for (content, code) in [
        (&b""[..], "empty_file"),
        (b"name,city\nJane,Rome\n", "no_email_column"),
        (b"email\x00\x01\x02", "not_text"),
        (b"\x1f\x8b\x08damaged", "malformed_gzip"),
    ] {
        let import = client.import(&json!({}), content);
        assert_eq!((&import["status"], &import["error"]["code"]), (&json!("failed"), &json!(code)));
    }
    assert!(client.all_contacts().is_empty());
}

#[test]
fn a_file_in_another_encoding_is_rewritten_and_imported() {
    let client = Product::get().client();
    let import = client.import(&json!({}), b"email;name\na@example.com;J\xe9r\xf4me\nb@example.com;\"open\n");
    assert_eq!((&import["rows"]["created"], &import["rows"]["invalid"]), (&json!(1), &json!(1)), "{import}");
    let format = json!({"encoding": "windows-1252", "kind": "csv", "delimiter": ";"});
    assert_eq!(import["format"], format);
    let lines = client.import(&json!({}), b"{\"email\":\"c@example.com\"}\n");
    assert_eq!(lines["format"], json!({"encoding": "utf-8", "kind": "ndjson"}));
    assert_eq!(client.all_contacts().len(), 2);
}

#[test]
fn what_is_not_built_yet_is_refused_and_never_ignored() {
    let client = Product::get().client();
    for body in [json!({"dry_run": true}), json!({"mapping": {"Score": "score"}})] {
        let reply = client.post("/api/v1/imports", &body);
        assert_eq!((reply.status, &reply.json["code"]), (422, &json!("not_available")), "{body}");
    }
    let created = client.post("/api/v1/imports", &json!({})).json;
    let cancel = format!("/api/v1/imports/{}/cancel", created["id"].as_str().expect("an id"));
    assert_eq!(client.post(&cancel, &json!({})).json["code"], "not_available");
}

#[test]
fn a_second_upload_to_the_same_url_is_ignored() {
    let client = Product::get().client();
    let created = client.post("/api/v1/imports", &json!({})).json;
    client.upload(&created["upload"], b"email\nfirst@example.com\n");
    let ended = client.ended_import(created["id"].as_str().expect("an id"));
    client.upload(&created["upload"], b"email\nsecond@example.com\n");
    // Another import shows that everything before it was worked off.
    client.import(&json!({}), b"email\nthird@example.com\n");
    assert_eq!(client.get("/api/v1/contacts/second@example.com").status, 404);
    let id = ended["id"].as_str().expect("an id");
    assert_eq!(client.get(&format!("/api/v1/imports/{id}")).json["rows"], ended["rows"]);
}

#[test]
fn a_file_dropped_in_the_bucket_is_imported() {
    // Who has a URL and a key has no way to the bucket; `tests/deploy/run` does this with the bucket's name.
    if is_elsewhere("the bucket") {
        return;
    }
    let product = Product::get();
    let process = product.process.as_ref().expect("the process");
    let (slug, client) = product.tenant();
    let objects = S3Objects::new(
        &SdkConfig::for_endpoints(process.endpoints().clone()),
        process.data_plane().bucket().to_owned(),
    );
    let key = format!("inbox/{slug}/my leads + more.csv");
    let put = objects.put(&key, "text/csv", "Email,Name\njane@example.com,Jane\n".into());
    product.block_on(put).expect("put the file");
    let import = until(|| client.get("/api/v1/imports").json["items"].get(0).cloned());
    let ended = client.ended_import(import["id"].as_str().expect("an id"));
    assert_eq!((&ended["filename"], &ended["rows"]["created"]), (&json!("my leads + more.csv"), &json!(1)));
}
