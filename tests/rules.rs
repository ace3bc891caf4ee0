//! Rules over HTTP and the real engine.

use serde_json::json;

use crate::product::Product;

#[test]
fn a_rule_is_read_in_both_spellings_and_explained_of_a_contact() {
    let client = Product::get().client();
    let created = client.post(
        "/api/v1/contacts",
        &json!({"email": "jane@example.com", "tags": ["partner"], "attributes": {"Industry": "SaaS", "Budget": 120000}}),
    );
    assert_eq!(created.status, 201, "{}", created.json);
    let parsed =
        client.post("/api/v1/rules/parse", &json!({"query": "industry:saas budget>=100000 -tag:customer"}));
    assert_eq!(parsed.status, 200, "{}", parsed.json);
    assert_eq!(parsed.json["query"], "industry:saas AND budget:>=100000 AND NOT tag:customer");
    assert_eq!(parsed.json["warnings"], json!([]));
    for contact in [&created.json["id"], &created.json["email"]] {
        let asked = json!({"contact": contact, "rule": parsed.json["rule"]});
        let explained = client.post("/api/v1/rules/explain", &asked);
        assert_eq!((explained.status, &explained.json["member"]), (200, &json!(true)), "{}", explained.json);
        assert_eq!(explained.json["explanation"]["nodes"][1]["value"], 120_000);
    }
    let recent = client.post(
        "/api/v1/rules/explain",
        &json!({"contact": "jane@example.com", "query": "created_at:<30d AND has:last_opened_at"}),
    );
    assert_eq!((&recent.json["member"], &recent.json["changes_at"]), (&json!(false), &json!(null)));
    let nodes = &recent.json["explanation"]["nodes"];
    assert_eq!((&nodes[0]["truth"], &nodes[1]["value"]), (&json!(true), &json!(null)));
    assert!(nodes[0]["changes_at"].is_string(), "{nodes}");
}

#[test]
fn a_query_that_is_not_understood_is_never_everybody() {
    let client = Product::get().client();
    for (query, column) in [("", 1), ("score:>", 8), ("(tier:hot", 10), ("tier:hot OR", 12)] {
        let refused = client.post("/api/v1/rules/parse", &json!({"query": query}));
        assert_eq!(
            (refused.status, &refused.json["errors"][0]["column"]),
            (400, &json!(column)),
            "{}",
            refused.json
        );
    }
    let unknown = client.post("/api/v1/rules/parse", &json!({"query": "scroe:>5"}));
    assert_eq!((unknown.status, &unknown.json["warnings"][0]["did_you_mean"]), (200, &json!("score")));
}
