//! Custom fields that are renamed, retyped and dropped while rules, files and clients use them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, until, until_within};
use crate::doctor::doctor;
use crate::product::{Product, is_elsewhere};

/// Waits until an unsaved rule means so many.
fn until_counted(client: &Client, query: &str, expected: u64) {
    until(|| {
        let reply = client.post("/api/v1/contacts/count", &json!({"query": query})).json;
        (reply["count"] == expected).then_some(())
    });
}

fn field(client: &Client, slug: &str) -> Value {
    let fields = client.get("/api/v1/fields").json;
    let mut items = fields["items"].as_array().expect("items").iter();
    items.find(|field| field["slug"] == slug).expect("the field").clone()
}

/// On AWS it begins after a minute and a half.
const CONVERTED_WITHIN: Duration = Duration::from_secs(300);

/// Changes a field, and waits until the values of its contacts follow.
fn change(client: &Client, slug: &str, changes: &Value) -> Value {
    let id = field(client, slug)["id"].as_str().expect("an id").to_owned();
    let changed = client.patch(&format!("/api/v1/fields/{id}"), changes);
    assert_eq!(changed.status, 200, "{}", changed.json);
    let path = format!("/api/v1/fields/{}", changed.json["id"].as_str().expect("an id"));
    until_within(CONVERTED_WITHIN, || {
        let field = client.get(&path).json;
        (field["conversion"].is_null() || field["conversion"]["done"] == true).then_some(field)
    })
}

fn assert_index_is_right(client: &Client) {
    let (code, told) = doctor(client, &["--check"]);
    assert!(code == Some(0) && told.ends_with("all is right\n"), "{told}");
}

#[test]
fn rules_files_and_clients_may_call_a_renamed_field_as_before() {
    let client = Product::get().client();
    let file = "email,Budget\na@example.com,10\nb@example.com,500\n";
    assert_eq!(client.import(&json!({}), file.as_bytes())["rows"]["created"], 2);
    let rich = client.post("/api/v1/lists", &json!({"name": "Rich", "query": "budget:>=100"}));
    assert_eq!(rich.status, 201, "{}", rich.json);
    until_counted(&client, "segment:Rich", 1);
    let renamed = change(&client, "budget", &json!({"slug": "spend", "name": "Spend"}));
    assert_eq!((&renamed["slug"], &renamed["former_slugs"]), (&json!("spend"), &json!(["budget"])));
    for query in ["segment:Rich", "budget:500", "spend:500"] {
        until_counted(&client, query, 1);
    }
    // The file comes again from who does not know, and so does a client.
    let file = "email,Budget\na@example.com,200\nc@example.com,300\n";
    let import = client.import(&json!({}), file.as_bytes());
    assert_eq!((&import["rows"]["created"], &import["rows"]["updated"]), (&json!(1), &json!(1)), "{import}");
    let until_shown = |email: &str, attributes: Value| {
        // Other instances follow within a minute.
        until(|| {
            let shown = client.get(&format!("/api/v1/contacts/{email}")).json;
            (shown["attributes"] == attributes).then_some(())
        });
    };
    let body = json!({"email": "d@example.com", "attributes": {"budget": 7}});
    assert_eq!(client.post("/api/v1/contacts", &body).status, 201);
    until_shown("d@example.com", json!({"spend": 7}));
    until_shown("a@example.com", json!({"spend": 200}));
    until_shown("c@example.com", json!({"spend": 300}));
    until_counted(&client, "segment:Rich", 3);
    // Both names of a field at once: the file's column of today's name counts.
    let file = "email,Budget,Spend\na@example.com,1,999\n";
    client.import(&json!({}), file.as_bytes());
    until_shown("a@example.com", json!({"spend": 999}));
    let body = json!({"attributes": {"budget": 7, "spend": 8}});
    let refused = client.patch("/api/v1/contacts/d@example.com", &body);
    assert_eq!((refused.status, &refused.json["errors"][0]["code"]), (422, &json!("conflict")));
    assert_eq!(client.get("/api/v1/fields").json["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_field_of_another_type_is_found_as_such_and_a_dropped_one_leaves_nothing() {
    let client = Product::get().client();
    let contacts: Vec<Value> = (0..300)
        .map(|n| {
            let size = if n % 10 == 0 { "many".to_owned() } else { n.to_string() };
            json!({"email": format!("p{n}@example.com"), "attributes": {"size": format!(" {size}"), "city": "Oslo"}})
        })
        .collect();
    let text = client.post("/api/v1/fields", &json!({"name": "Size", "type": "text"}));
    assert_eq!(text.status, 201, "{}", text.json);
    for some in contacts.chunks(100) {
        assert_eq!(client.post("/api/v1/contacts/batch", &json!({"contacts": some})).json["failed"], 0);
    }
    until_counted(&client, "size:many", 30);
    assert_index_is_right(&client);

    let id = field(&client, "size")["id"].as_str().expect("an id").to_owned();
    let asked = client.patch(&format!("/api/v1/fields/{id}"), &json!({"type": "number"}));
    assert_eq!((asked.status, &asked.json["conversion"]["done"]), (200, &json!(false)), "{}", asked.json);
    until_counted(&client, "size:>=200", 90);
    let path = format!("/api/v1/fields/{}", asked.json["id"].as_str().expect("an id"));
    while !is_elsewhere("instances that know a change at once") {
        // Whatever is converted by now.
        let rules = ["size:>=200", "NOT size:>=200 has:size"];
        let counts = rules.map(|rule| client.post("/api/v1/contacts/count", &json!({"query": rule})).json);
        if client.get(&path).json["conversion"]["done"] == true {
            break;
        }
        assert_eq!(counts.map(|count| count["count"].clone()), [json!(90), json!(180)]);
    }
    let number = change(&client, "size", &json!({"type": "number"}));
    let told = &number["conversion"];
    assert_eq!(told["not_converted"], 30, "{number}");
    // Whom another write converted, or a sweep that died, is not counted.
    assert!(told["converted"].as_u64().is_some_and(|converted| (1..=270).contains(&converted)), "{number}");
    until_counted(&client, "size:>=200", 90);
    until_counted(&client, "has:size", 270);
    assert_index_is_right(&client);

    // Back again: what did not convert was kept.
    change(&client, "size", &json!({"type": "text"}));
    until_counted(&client, "size:many", 30);
    until_counted(&client, "size:299", 1);
    assert_index_is_right(&client);

    let id = field(&client, "size")["id"].as_str().expect("an id").to_owned();
    assert_eq!(client.delete(&format!("/api/v1/fields/{id}")).status, 204);
    let again = client.post("/api/v1/fields", &json!({"name": "Size", "type": "text"}));
    assert_eq!(again.status, 201, "{}", again.json);
    assert_ne!(again.json["id"], id);
    until_counted(&client, "has:size", 0);
    until_counted(&client, "city:Oslo", 300);
    until_within(CONVERTED_WITHIN, || {
        let (code, _) = doctor(&client, &["--check"]);
        (code == Some(0)).then_some(())
    });
}
