use api::App;
use api::testing::{Client, Reply};
use axum::http::Method;
use model::{AttributeType, AttributeValue, Email, Engagement, FieldSlug, Profile, Status};
use serde_json::{Value, json};
use store::testing::{MemoryStore, stored_tenant};
use store::{Clock, ContactStore, FieldStore, NewContact, Write, Written};

const NOW: &str = "2026-11-23T12:00:00Z";

/// Calls the rules of a fresh tenant with one contact, and gives the contact's id.
async fn client() -> (Client, String) {
    let store = MemoryStore::default();
    let tenant = stored_tenant(&store).await;
    let slug = FieldSlug::from_name("Industry").unwrap();
    let field = store.define_field(&tenant, &slug, "Industry", AttributeType::Text).await.unwrap();
    let email = Email::parse("jane@example.com").unwrap();
    let mut profile = Profile::new(email, "jane@example.com", Status::Active);
    profile.attributes.insert(field.id, AttributeValue::Text("SaaS".to_owned()));
    profile.engagement.insert(Engagement::Opened, "2026-11-01T12:00:00Z".parse().unwrap());
    let contact = NewContact::of(profile);
    let write = vec![Write::Create(Box::new(contact))];
    let written = store.write(&tenant, write, NOW.parse().unwrap()).await.unwrap().remove(0).unwrap();
    let Written::Done(contact) = written else { panic!("{written:?}") };
    let app = App::new(store.clone(), Clock::starting_at(NOW.parse().unwrap()));
    let router = crate::routes(&app).into_router(&app);
    (Client::new(router, &store, &tenant, &["contacts:read"]).await, contact.id.to_string())
}

async fn parse(body: Value) -> Reply {
    client().await.0.json(Method::POST, "/api/v1/rules/parse", body).await
}

async fn explain(body: Value) -> Reply {
    client().await.0.json(Method::POST, "/api/v1/rules/explain", body).await
}

/// Gives pointer, column and code of the first fault.
fn fault(reply: &Reply) -> (u16, &str, Option<u64>, &str) {
    let error = &reply.json["errors"][0];
    let pointer = error["pointer"].as_str().unwrap_or_default();
    (reply.status, pointer, error["column"].as_u64(), reply.code())
}

#[tokio::test]
async fn both_spellings_are_answered_with_both() {
    let both = json!({
        "query": "industry:SaaS AND (score:>50 OR NOT tag:partner)",
        "rule": {"all": [
            {"field": "attributes.industry", "op": "is", "value": "SaaS"},
            {"any": [
                {"field": "score", "op": "gt", "value": 50},
                {"not": {"field": "tags", "op": "has_any", "value": ["partner"]}},
            ]},
        ]},
        "warnings": [],
    });
    let by_query = parse(json!({"query": "industry:SaaS (score>50 OR -tag:partner)"})).await;
    assert_eq!((by_query.status, &by_query.json), (200, &both));
    let by_rule = parse(json!({"rule": both["rule"]})).await;
    assert_eq!((by_rule.status, &by_rule.json), (200, &both));
}

#[tokio::test]
async fn names_of_lists_are_not_looked_up_by_reading() {
    let reply = parse(json!({"query": "list:VIP segment:\"Hot US\" lists:has_any(a)"})).await;
    assert_eq!((reply.status, &reply.json["warnings"]), (200, &json!([])));
}

#[tokio::test]
async fn a_field_that_nobody_has_is_a_warning() {
    let reply = parse(json!({"query": "industry:SaaS scroe:>5"})).await;
    assert_eq!(reply.status, 200);
    let expected = json!([{
        "code": "unknown_field", "field": "scroe", "did_you_mean": "score", "pointer": "/query", "column": 15,
    }]);
    assert_eq!(reply.json["warnings"], expected);
    let reply = parse(json!({"rule": {"not": {"field": "attributes.nothing", "op": "exists"}}})).await;
    let expected = json!([{"code": "unknown_field", "field": "nothing", "did_you_mean": null, "pointer": "/rule/not/field"}]);
    assert_eq!(reply.json["warnings"], expected);
}

#[tokio::test]
async fn what_is_not_understood_is_told_with_its_place_and_never_everybody() {
    for (body, expected) in [
        (json!({"query": ""}), (400, "/query", Some(1), "empty_rule")),
        (json!({"query": "  "}), (400, "/query", Some(1), "empty_rule")),
        (json!({"query": "score:>"}), (400, "/query", Some(8), "invalid_query")),
        (json!({"query": "(a"}), (400, "/query", Some(3), "invalid_query")),
        (json!({"query": "a score:x"}), (400, "/query", Some(9), "wrong_type")),
        (json!({"query": "industry:>5"}), (400, "/query", Some(10), "wrong_operator")),
        (json!({"rule": {}}), (400, "/rule", None, "invalid_rule")),
        (json!({"rule": {"all": []}}), (400, "/rule/all", None, "empty_rule")),
        (json!({"rule": []}), (400, "/rule", None, "invalid_rule")),
        (
            json!({"rule": {"any": [{"words": "a"}, {"field": "score", "op": "gt", "value": "x"}]}}),
            (400, "/rule/any/1/value", None, "wrong_type"),
        ),
        (json!({}), (422, "/query", None, "required")),
        (json!({"query": null}), (422, "/query", None, "required")),
        (json!({"query": 5}), (422, "/query", None, "wrong_type")),
        (json!({"query": "a", "rule": {"words": "a"}}), (422, "/rule", None, "conflict")),
        (json!({"query": "a", "limit": 5}), (422, "/limit", None, "unknown_member")),
    ] {
        let reply = parse(body.clone()).await;
        assert_eq!(fault(&reply), expected, "{body}: {}", reply.json);
        let mut asked = body.clone();
        asked["contact"] = json!("jane@example.com");
        let reply = explain(asked).await;
        assert_eq!(fault(&reply), expected, "{body}: {}", reply.json);
    }
    let told = parse(json!({"query": "company:contians(x)"})).await.json;
    let detail = told["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("column 9: ") && detail.ends_with("did you mean `contains`?"), "{detail}");
}

#[tokio::test]
async fn a_member_is_explained() {
    let (client, id) = client().await;
    let query = "industry:saas AND last_opened_at:<30d";
    let explained = json!({
        "contact": id, "member": true, "changes_at": "2026-12-01T12:00:00Z", "time_zone": "UTC", "query": query,
        "rule": {"all": [
            {"field": "attributes.industry", "op": "is", "value": "saas"},
            {"field": "last_opened_at", "op": "in_last", "value": "30d"},
        ]},
        "explanation": {
            "node": "all", "query": query, "truth": true, "changes_at": "2026-12-01T12:00:00Z",
            "nodes": [
                {"node": "field", "query": "industry:saas", "truth": true, "value": "SaaS", "changes_at": null},
                {
                    "node": "field", "query": "last_opened_at:<30d", "truth": true,
                    "value": "2026-11-01T12:00:00Z", "changes_at": "2026-12-01T12:00:00Z",
                },
            ],
        },
        "warnings": [],
    });
    for contact in ["Jane@Example.com", id.as_str()] {
        let body = json!({"contact": contact, "query": query});
        let mut reply = client.json(Method::POST, "/api/v1/rules/explain", body).await;
        let evaluated_at = reply.json.as_object_mut().unwrap().remove("evaluated_at").unwrap();
        assert!(evaluated_at.as_str().unwrap().starts_with("2026-11-23T12:00"), "{evaluated_at}");
        assert_eq!((reply.status, &reply.json), (200, &explained));
    }
}

#[tokio::test]
async fn a_contact_that_is_not_meant_is_explained_as_well() {
    let body = json!({"contact": "jane@example.com", "rule": {"field": "phone", "op": "exists"}});
    let reply = explain(body).await;
    assert_eq!((reply.status, &reply.json["member"]), (200, &json!(false)));
    let node =
        json!({"node": "field", "query": "has:phone", "truth": false, "value": null, "changes_at": null});
    assert_eq!(reply.json["explanation"], node);
}

#[tokio::test]
async fn explaining_needs_a_contact_and_lists_that_there_are() {
    for (contact, query, expected) in [
        (json!("nobody@example.com"), "a", (404, "", None, "contact_not_found")),
        (json!("no id"), "a", (404, "", None, "contact_not_found")),
        (json!(null), "a", (422, "/contact", None, "required")),
        (json!(5), "a", (422, "/contact", None, "wrong_type")),
        (json!("jane@example.com"), "a list:VIP", (422, "/query", Some(8), "unknown_list")),
        (json!("jane@example.com"), "segment:VIP", (422, "/query", Some(9), "unknown_segment")),
        (json!("jane@example.com"), "list:VIP score:x", (400, "/query", Some(6), "invalid_request")),
    ] {
        let reply = explain(json!({"contact": contact, "query": query})).await;
        assert_eq!(fault(&reply), expected, "{query}: {}", reply.json);
    }
}

#[tokio::test]
async fn other_methods_and_paths_are_problems() {
    let (client, _) = client().await;
    for (method, path, expected) in [
        (Method::GET, "/api/v1/rules/parse", (405, "method_not_allowed")),
        (Method::POST, "/api/v1/rules/other", (404, "not_found")),
    ] {
        let reply = client.call(method, path).await;
        assert_eq!((reply.status, reply.code()), expected, "{path}");
    }
}
