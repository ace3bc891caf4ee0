//! What happens to contacts is told on the bus.

use serde_json::{Value, json};

use crate::client::{Client, until};
use crate::product::{Product, is_elsewhere};

/// Gives what was told of a tenant's contacts, the oldest first.
pub fn told(client: &Client) -> Vec<Value> {
    let mut command = std::process::Command::new(crate::leads_binary::path());
    let output = command.args(["events", "--url", &client.url, "--api-key", &client.key]).output();
    let text = String::from_utf8(output.expect("run leads").stdout).expect("text");
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    events.filter(|event| event["source"] == "leads").collect()
}

#[test]
fn an_import_tells_that_it_ended_and_what_it_did() {
    if is_elsewhere("the bus of this process") {
        return;
    }
    let client = Product::get().client();
    let done =
        client.import(&json!({"filename": "jane@example.com.csv"}), b"email\njane@example.com\nnobody\n");
    let refused = client.import(&json!({}), b"");
    assert_eq!((&done["status"], &refused["status"]), (&json!("done"), &json!("failed")));
    let ends = until(|| {
        let told = told(&client).into_iter().filter(|told| told["detail-type"] == "import.finished");
        let ends: Vec<Value> = told.map(|told| told["detail"].clone()).collect();
        (ends.len() == 2).then_some(ends)
    });
    let of = |import: &Value| ends.iter().find(|end| end["import_id"] == import["id"]).expect("one of each");
    assert_eq!((&of(&done)["status"], &of(&done)["rows"]), (&json!("done"), &done["rows"].clone()));
    assert_eq!(
        (&of(&refused)["status"], &of(&refused)["refusal"]),
        (&json!("failed"), &refused["error"]["code"])
    );
    assert!(!of(&done).to_string().contains("jane"), "{ends:?}");
}

#[test]
fn contacts_that_come_change_and_go_are_told_and_so_are_their_tiers() {
    if is_elsewhere("the bus of this process") {
        return;
    }
    let product = Product::get();
    let (client, stranger) = (product.client(), product.client());
    let created = client.post("/api/v1/contacts", &json!({"email": "jane@example.com"}));
    let id = created.json["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/contacts/{id}");
    client.patch(&path, &json!({"company": "Acme"}));
    let events = json!({"events": [{"id": "e-1", "type": "pricing_page.visited",
        "contact": {"email": "jane@example.com"}, "occurred_at": "2026-01-05T08:00:00Z"}]});
    assert_eq!(client.post("/api/v1/events", &events).json["accepted"], 1);
    until(|| (client.get(&path).json["tier"] == "warm").then_some(()));
    assert_eq!(client.delete(&path).status, 204);
    let told = until(|| {
        Some(told(&client)).filter(|told| told.iter().any(|t| t["detail-type"] == "contact.deleted"))
    });
    let names: Vec<&str> = told.iter().map(|event| event["detail-type"].as_str().expect("a type")).collect();
    assert_eq!(names, ["contact.created", "contact.updated", "score.tier_changed", "contact.deleted"]);
    assert!(told.iter().all(|event| event["detail"]["contact_id"] == id.as_str()), "{told:?}");
    assert_eq!((&told[2]["detail"]["from"], &told[2]["detail"]["to"]), (&json!("cold"), &json!("warm")));
    assert_eq!(stranger.get("/local/events").json["events"], json!([]));
    let status = |key: &str| Client::new(&client.url, key).get("/local/events").status;
    assert_eq!(status("nobody"), 401);
    // Events of engagement hold addresses.
    let key = |scope: &str| {
        let made = client.post("/api/v1/api-keys", &json!({"name": scope, "scopes": [scope]}));
        made.json["api_key"].as_str().unwrap_or_else(|| panic!("{}", made.json)).to_owned()
    };
    assert_eq!([status(&key("settings:read")), status(&key("contacts:read"))], [403, 200]);
}
