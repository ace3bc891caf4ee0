//! The README's commands work as written.

use std::path::Path;
use std::process::Command;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::json;

use crate::client::until;
use crate::product::Product;

/// Gives the `sh` blocks of a document, joined in their order.
fn script(document: &str) -> String {
    let mut script = String::new();
    let mut inside = false;
    for line in document.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

#[test]
fn the_tour_of_the_readme_runs_as_it_is_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if Command::new("curl").arg("--version").output().is_err() {
        return assert!(std::env::var_os("CI").is_none(), "skipped: curl is not installed");
    }
    let client = Product::get().client();
    let script = script(&std::fs::read_to_string(root.join("README.md")).expect("read the README"));
    assert!(script.lines().count() > 20, "the README lost its tour");
    let run = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(&root)
        .env("LEADS_URL", &client.url)
        .env("LEADS_API_KEY", &client.key)
        .output()
        .expect("run bash");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{out}\n{err}");
    // The patch with a number of another country, and the contact that came back unsubscribed.
    for told in [
        "\"code\":\"suppressed_erased\"",
        "\"code\":\"wrong_type\"",
        "\"member\":true",
        "\"status\":\"unsubscribed\"",
        "\"first_name\":\"Grace\"",
        "\"exact\":true",
    ] {
        assert!(out.contains(told), "{told} is not in:\n{out}");
    }
    let ada = client.get("/api/v1/contacts/ada@example.org").json;
    assert_eq!((&ada["status"], &ada["company"]), (&"active".into(), &serde_json::Value::Null), "{out}");
    let opened = Utc::now() - TimeDelta::days(100);
    let event = json!({
        "id": "long-ago", "type": "email.opened", "contact": {"email": "grace@example.org"},
        "occurred_at": opened.to_rfc3339_opts(SecondsFormat::Millis, true),
    });
    assert_eq!(client.post("/api/v1/events", &json!({"events": [event]})).status, 202);
    for (segment, members) in [
        ("Technology in the USA", vec!["linus@example.org"]),
        ("Technology newsletter", vec!["linus@example.org"]),
        ("Win back", vec!["grace@example.org"]),
        ("VIP offers", vec!["jane@example.com"]),
        ("Recently opened", vec![]),
        ("High score", vec![]),
    ] {
        until(|| {
            let path = format!("/api/v1/lists/{}/contacts?status=any", segment.replace(' ', "%20"));
            let items = client.get(&path).json["items"].as_array()?.clone();
            let found: Vec<&str> = items.iter().filter_map(|item| item["email"].as_str()).collect();
            (found == members).then_some(())
        });
    }
}
