//! One tenant never sees another.

use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::product::Product;

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// Walks every operation that the document describes, as a stranger who knows all ids.
#[test]
fn a_second_tenant_sees_nothing_of_the_first_on_any_endpoint() {
    let product = Product::get();
    let (owner, stranger) = (product.client(), product.client());
    let contact =
        owner.post("/api/v1/contacts", &json!({"email": "jane@example.com", "attributes": {"secret": "x"}}));
    let contact_id = contact.json["id"].as_str().expect("an id");
    let import = owner.import(&json!({"filename": "owners.csv"}), b"email\njohn@example.com\n");
    let import_id = import["id"].as_str().expect("an id");
    let key = owner.post("/api/v1/api-keys", &json!({"name": "owners' key", "scopes": ["contacts:read"]}));
    let key_id = key.json["id"].as_str().expect("an id");
    let suppressed = json!({"suppressions": [{"email": "gone@example.com", "source": "owners' source"}]});
    owner.post("/api/v1/suppressions", &suppressed);
    let list = owner.post("/api/v1/lists", &json!({"name": "owners' list", "type": "static"}));
    let list_id = list.json["id"].as_str().expect("an id");
    owner.post(&format!("/api/v1/lists/{list_id}/contacts"), &json!({"add": ["jane@example.com"]}));
    let change = json!({"remove": ["john@example.com"], "background": true});
    let job = owner.post(&format!("/api/v1/lists/{list_id}/contacts"), &change);
    let job_id = job.json["id"].as_str().expect("an id");
    let secrets = [
        list_id,
        job_id,
        contact_id,
        import_id,
        key_id,
        "jane@example.com",
        "john@example.com",
        "gone@example.com",
        "owners",
        "secret",
    ];
    let before = owner.all_contacts();

    let document: Value = serde_json::from_str(api::OPENAPI).expect("JSON");
    let mut walked = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in METHODS.iter().filter(|method| item.get(**method).is_some()) {
            for id in [contact_id, import_id, key_id, list_id, "jane%40example.com", "gone%40example.com"] {
                let reply = call(&stranger, method, &path.replace("{id}", id).replace("{job}", job_id));
                if path.contains("{id}") {
                    assert_eq!(reply.status, 404, "{method} {path} with {id}: {}", reply.text);
                }
                for secret in secrets {
                    let own = reply.status == 201 || path.ends_with("/openapi.json");
                    assert!(
                        own || !reply.text.contains(secret),
                        "{method} {path} tells {secret}: {}",
                        reply.text
                    );
                }
                walked += 1;
            }
        }
    }
    assert!(walked >= 30, "only {walked} calls were made");
    assert_eq!(owner.all_contacts(), before);
    assert_eq!(owner.get(&format!("/api/v1/lists/{list_id}")).json["name"], "owners' list");
    assert_eq!(owner.get("/api/v1/suppressions/gone%40example.com").json["reason"], "manual");
    assert_eq!(
        Client::new(&owner.url, key.json["api_key"].as_str().expect("a key")).get("/api/v1/contacts").status,
        200
    );
    assert_eq!(owner.get(&format!("/api/v1/imports/{import_id}")).json["status"], "done");
}

/// Sends a body that every operation can do something with.
fn call(client: &Client, method: &str, path: &str) -> Reply {
    let body = match (method, path) {
        ("post", "/api/v1/contacts/batch") => json!({"contacts": [{"email": "new@example.org"}]}),
        ("put", "/api/v1/settings") => json!({"time_zone": "Europe/Berlin"}),
        ("put", "/api/v1/scoring") | ("post", "/api/v1/scoring/preview") => {
            json!({"rules": [{"id": "opened", "event": "email.opened", "points": 3}]})
        }
        ("post", "/api/v1/contacts") | ("put", _) => json!({"email": "other@example.org"}),
        ("post", "/api/v1/admin/tenants") => json!({"name": "Stranger"}),
        ("post", "/api/v1/suppressions") => json!({"suppressions": [{"email": "other@example.net"}]}),
        ("post", "/api/v1/fields") => json!({"name": "Stranger's", "type": "text"}),
        ("post", "/api/v1/api-keys") => json!({"name": "stranger's", "scopes": ["contacts:read"]}),
        ("post", "/api/v1/lists") => json!({"name": "Stranger's", "type": "static"}),
        ("post", "/api/v1/lists/preview") => json!({"query": "jane OR john"}),
        ("post", path) if path.starts_with("/api/v1/lists/") => json!({"add": ["jane@example.com"]}),
        ("patch", path) if path.starts_with("/api/v1/lists/") => json!({"name": "Stranger's"}),
        ("patch", path) if path.starts_with("/api/v1/fields/") => json!({"name": "Stranger's"}),
        ("patch", _) => json!({"first_name": "Stranger"}),
        _ => json!({}),
    };
    let body = if matches!(method, "get" | "delete") { Vec::new() } else { body.to_string().into_bytes() };
    client.send(&method.to_uppercase(), path, &[], body)
}

#[test]
fn the_tenant_never_comes_from_the_requests_own_words() {
    let product = Product::get();
    let (owner, stranger) = (product.client(), product.client());
    owner.post("/api/v1/contacts", &json!({"email": "jane@example.com"}));
    let headers = [("x-tenant", "test"), ("x-tenant-id", "test"), ("x-forwarded-for", "127.0.0.1")];
    let reply = stranger.send("GET", "/api/v1/contacts", &headers, Vec::new());
    assert_eq!(reply.json["items"], json!([]));
    let cursor_of_other = owner.get("/api/v1/contacts?limit=1").json["next_cursor"].clone();
    if let Some(cursor) = cursor_of_other.as_str() {
        assert_eq!(stranger.get(&format!("/api/v1/contacts?cursor={cursor}")).status, 400);
    }
}

#[test]
fn a_tenant_cannot_make_tenants() {
    let client = Product::get().client();
    let reply = client.post("/api/v1/admin/tenants", &json!({"name": "Mine"}));
    assert_eq!((reply.status, &reply.json["code"]), (401, &json!("unauthorized")));
    let nobody = Client::new(&client.url, "");
    assert_eq!(nobody.post("/api/v1/admin/tenants", &json!({"name": "Mine"})).status, 401);
}
