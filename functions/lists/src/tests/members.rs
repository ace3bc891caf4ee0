use std::collections::BTreeSet;

use axum::http::Method;
use model::{ListNumber, Status};
use serde_json::json;
use store::{ContactStore, ProfileUpdate, Write};

use super::{NOW, ground};

#[tokio::test]
async fn contacts_come_and_go_by_id_and_email_each_with_a_result() {
    let ground = ground(4).await;
    let list = ground.made("VIP", None).await;
    let path = format!("/{list}/contacts");
    let one = ground.contact("c1@example.com").await.id.to_string();
    let body = json!({"add": [one, "C2@Example.com", "nobody@example.com", "no id", "c1@example.com"]});
    let reply = ground.post(&path, body.clone()).await;
    assert_eq!(reply.status, 200);
    let counts = ["added", "removed", "unchanged", "failed"].map(|name| reply.json[name].as_u64().unwrap());
    assert_eq!(counts, [3, 0, 0, 2]);
    let results = reply.json["results"].as_array().unwrap();
    let told: Vec<_> =
        results.iter().map(|r| (r["index"].as_u64().unwrap(), r["status"].as_u64().unwrap())).collect();
    assert_eq!(told, [(0, 200), (1, 200), (2, 404), (3, 404), (4, 200)]);
    assert_eq!((&results[0]["id"], &results[0]["op"]), (&json!(one), &json!("add")));
    assert_eq!(results[2]["error"]["code"], "contact_not_found");
    let again = ground.post(&path, body).await;
    assert_eq!((&again.json["added"], &again.json["unchanged"]), (&json!(0), &json!(3)));
    ground.index().await;
    assert_eq!(ground.emails(&path).await, ["c2@example.com", "c1@example.com"]);
    assert_eq!(ground.get(&format!("/{list}")).await.json["count"], 2);
    let page = ground.get(&path).await;
    assert_eq!(page.json["items"][0]["lists"], json!([list]));
    let reply =
        ground.post(&path, json!({"add": ["c3@example.com"], "remove": [one, "c0@example.com"]})).await;
    let counts = ["added", "removed", "unchanged", "failed"].map(|name| reply.json[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1, 0]);
    ground.index().await;
    assert_eq!(ground.emails(&path).await, ["c3@example.com", "c2@example.com"]);
}

#[tokio::test]
async fn who_may_not_be_written_to_is_left_out_unless_asked_for() {
    let ground = ground(3).await;
    let list = ground.made("All", None).await;
    ground.put(&list, &["c0@example.com", "c1@example.com", "c2@example.com"]).await;
    ground.made("Everybody", Some("has:email")).await;
    for name in ["All", "Everybody"] {
        let path = format!("/{name}/contacts");
        let reply = ground.get(&format!("{path}?sort=budget")).await;
        assert_eq!(super::emails(&reply), ["c1@example.com", "c2@example.com"]);
        assert_eq!(reply.json["total"], 2);
        let any = ["c2@example.com", "c1@example.com", "c0@example.com"];
        assert_eq!(ground.emails(&format!("{path}?status=any&sort=-budget")).await, any);
        assert_eq!(ground.get(&format!("/{name}/count")).await.json, json!({"count": 3, "active_count": 2}));
    }
    let reply = ground.get("/All/contacts?status=bounced").await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn lists_are_joined_met_and_taken_from_each_other_by_rules() {
    let ground = ground(6).await;
    let (a, b) = (ground.made("A", None).await, ground.made("B", None).await);
    ground.put(&a, &["c1@example.com", "c2@example.com", "c3@example.com"]).await;
    ground.put(&b, &["c3@example.com", "c4@example.com"]).await;
    for (name, query, expected) in [
        ("union", "list:A OR list:B", vec!["c4", "c3", "c2", "c1"]),
        ("both", "list:A AND list:B", vec!["c3"]),
        ("minus", "list:A AND NOT list:B", vec!["c2", "c1"]),
    ] {
        let list = ground.made(name, None).await;
        let path = format!("/{list}/contacts");
        let reply = ground.post(&path, json!({"add_query": query})).await;
        assert_eq!(reply.json["added"], expected.len(), "{}", reply.json);
        assert_eq!((&reply.json["remaining"], &reply.json["next_cursor"]), (&json!(0), &json!(null)));
        ground.index().await;
        let expected: Vec<String> = expected.iter().map(|name| format!("{name}@example.com")).collect();
        assert_eq!(ground.emails(&path).await, expected, "{name}");
    }
    // In place, too.
    let reply = ground.post("/A/contacts", json!({"remove_query": "list:B"})).await;
    assert_eq!(reply.json["removed"], 1);
    ground.index().await;
    assert_eq!(ground.emails("/A/contacts").await, ["c2@example.com", "c1@example.com"]);
}

#[tokio::test]
async fn a_rule_that_means_more_is_worked_through_call_by_call() {
    let ground = ground(2_345).await;
    let list = ground.made("All", None).await;
    let path = format!("/{list}/contacts");
    let mut body = json!({"add_query": "has:budget"});
    let mut told = Vec::new();
    loop {
        let reply = ground.post(&path, body.clone()).await;
        assert_eq!(reply.status, 200, "{}", reply.json);
        told.push((reply.json["added"].as_u64().unwrap(), reply.json["remaining"].as_u64().unwrap()));
        body["cursor"] = reply.json["next_cursor"].clone();
        if body["cursor"].is_null() {
            break;
        }
    }
    assert_eq!(told, [(1_000, 1_345), (1_000, 345), (345, 0)]);
    let on = ground.contacts().await.iter().filter(|contact| !contact.profile.lists.is_empty()).count();
    assert_eq!(on, 2_345);
    let first = ground.post(&path, json!({"add_query": "has:budget"})).await;
    assert_eq!(first.json["unchanged"], 1_000);
    let cursor = first.json["next_cursor"].clone();
    let reply = ground.post(&path, json!({"add_query": "has:industry", "cursor": cursor})).await;
    assert_eq!((reply.status, reply.code()), (400, "invalid_cursor"));
}

#[tokio::test]
async fn each_fault_of_a_change_has_its_place_and_changes_nothing() {
    let ground = ground(1).await;
    ground.made("VIP", None).await;
    ground.made("Hot", Some("score:>50")).await;
    for (path, body, expected) in [
        ("/Hot/contacts", json!({"add": ["c0@example.com"]}), (409, "", "list_is_dynamic")),
        ("/None/contacts", json!({"add": ["c0@example.com"]}), (404, "", "list_not_found")),
        ("/VIP/contacts", json!({}), (422, "/add", "required")),
        ("/VIP/contacts", json!({"add": "c0@example.com"}), (422, "/add", "invalid_value")),
        ("/VIP/contacts", json!({"add": [5]}), (422, "/add/0", "invalid_value")),
        ("/VIP/contacts", json!({"add": vec!["a"; 1_001]}), (422, "/add", "too_many_items")),
        ("/VIP/contacts", json!({"add_query": "score:>"}), (400, "/add_query", "invalid_query")),
        ("/VIP/contacts", json!({"add_query": "a", "remove_query": "b"}), (422, "/remove_query", "conflict")),
        ("/VIP/contacts", json!({"add": ["c0@example.com"], "cursor": "x"}), (422, "/cursor", "conflict")),
        ("/VIP/contacts", json!({"add_query": "a", "cursor": "x"}), (400, "", "invalid_cursor")),
    ] {
        let reply = ground.post(path, body.clone()).await;
        let error = &reply.json["errors"][0];
        let pointer = error["pointer"].as_str().unwrap_or_default();
        let code = error["code"].as_str().unwrap_or(reply.code());
        assert_eq!((reply.status, pointer, code), expected, "{path}: {}", reply.json);
    }
    assert!(ground.contact("c0@example.com").await.profile.lists.is_empty());
}

#[tokio::test]
async fn a_contact_is_on_at_most_200_lists_and_those_that_were_deleted_make_room() {
    let ground = ground(2).await;
    let one = ground.contact("c1@example.com").await;
    let mut ids = Vec::new();
    for n in 0..201 {
        ids.push(ground.made(&format!("L{n}"), None).await);
    }
    let lists: BTreeSet<ListNumber> = (0..200).map(ListNumber).collect();
    let profile = model::Profile { lists, ..one.profile.clone() };
    let update = ProfileUpdate { before: one, profile, replaces: None, consent: None, origin: None };
    ground
        .store
        .write(&ground.tenant, vec![Write::Update(Box::new(update))], NOW.parse().unwrap())
        .await
        .unwrap();
    let path = format!("/{}/contacts", ids[200]);
    let reply = ground.post(&path, json!({"add": ["c1@example.com"]})).await;
    let result = &reply.json["results"][0];
    assert_eq!((&result["status"], &result["error"]["code"]), (&json!(422), &json!("too_many_lists")));
    assert_eq!(ground.delete("/L7").await.status, 204);
    let reply = ground.post(&path, json!({"add": ["c1@example.com"]})).await;
    assert_eq!(reply.json["added"], 1, "{}", reply.json);
    let on = ground.contact("c1@example.com").await.profile.lists;
    assert!(on.len() == 200 && !on.contains(&ListNumber(7)) && on.contains(&ListNumber(200)));
}

#[tokio::test]
async fn a_contact_that_is_on_a_deleted_list_is_on_none() {
    let ground = ground(2).await;
    let list = ground.made("Old", None).await;
    ground.put(&list, &["c1@example.com"]).await;
    assert_eq!(ground.delete("/Old").await.status, 204);
    let again = ground.made("Old", None).await;
    assert_eq!(ground.get(&format!("/{again}")).await.json["count"], 0);
    ground.made("On any", Some("has:lists")).await;
    assert_eq!(ground.get("/On%20any").await.json["count"], 0);
    ground.made("Everybody", Some("has:email")).await;
    let reply = ground.client.call(Method::GET, "/api/v1/lists/Everybody/contacts").await;
    assert_eq!(reply.json["items"][0]["lists"], json!([]));
    assert_eq!(ground.contact("c0@example.com").await.profile.status, Status::Unsubscribed);
}
