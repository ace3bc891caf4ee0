//! Rules that name lists.

use chrono::{DateTime, TimeDelta, Utc};
use model::{Email, Profile, Status};
use serde_json::json;
use store::{ContactStore, NewContact, Write};

use super::ground;

#[tokio::test]
async fn a_rule_follows_the_names_of_the_lists_in_it() {
    let ground = ground(6).await;
    let friends = ground.made("Friends", None).await;
    ground.put(&friends, &["c1@example.com", "c2@example.com", "c3@example.com"]).await;
    ground.made("Odd", Some("industry:odd")).await;
    ground.made("Odd friends", Some("list:friends AND segment:ODD")).await;
    ground.patch("/Friends", json!({"name": "Buddies"})).await;
    ground.patch("/Odd", json!({"name": "Strange ones"})).await;
    let reply = ground.get("/Odd friends".replace(' ', "%20").as_str()).await;
    assert_eq!(reply.json["query"], "list:Buddies AND segment:\"Strange ones\"");
    assert_eq!(reply.json["count"], 2);
    let expected = ["c3@example.com", "c1@example.com"];
    assert_eq!(ground.emails("/Odd%20friends/contacts").await, expected);
    // The old name is free, and another list under it is another list.
    ground.made("Friends", None).await;
    assert_eq!(ground.emails("/Odd%20friends/contacts").await, expected);
}

#[tokio::test]
async fn no_rule_comes_back_to_itself() {
    let ground = ground(1).await;
    ground.made("A", Some("score:>5")).await;
    ground.made("B", Some("segment:A OR score:<0")).await;
    ground.made("C", Some("NOT segment:B")).await;
    let reply = ground.patch("/A", json!({"query": "score:>5 AND segment:C"})).await;
    let error = &reply.json["errors"][0];
    assert_eq!((reply.status, error["code"].as_str().unwrap()), (422, "segment_cycle"));
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains("the segment `C` is part of its own rule: C > B > A > C"), "{detail}");
    assert_eq!(error["column"], 22);
    assert_eq!(
        ground.patch("/A", json!({"query": "segment:A"})).await.json["errors"][0]["code"],
        "segment_cycle"
    );
    assert_eq!(ground.get("/A").await.json["query"], "score:>5");
}

#[tokio::test]
async fn segments_go_ten_levels_deep() {
    let ground = ground(3).await;
    ground.made("S1", Some("budget:>=1")).await;
    for level in 2..=10 {
        ground.made(&format!("S{level}"), Some(&format!("segment:S{}", level - 1))).await;
    }
    assert_eq!(ground.get("/S10").await.json["count"], 2);
    let reply = ground.post("", json!({"name": "S11", "query": "segment:S10 AND score:>5"})).await;
    assert_eq!((reply.status, reply.code()), (201, ""), "a rule over ten segments is no segment of them");
    let reply = ground.post("", json!({"name": "S12", "query": "segment:S11"})).await;
    assert_eq!(reply.json["errors"][0]["code"], "segments_too_deep", "{}", reply.json);
    // Nor is one made too deep from below.
    ground.made("S0", Some("score:0")).await;
    let reply = ground.patch("/S1", json!({"query": "segment:S0"})).await;
    assert_eq!((reply.status, &reply.json["errors"][0]["code"]), (422, &json!("segments_too_deep")));
    let detail = reply.json["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("the segment `S1"), "{detail}");
}

#[tokio::test]
async fn a_list_that_rules_name_is_not_deleted() {
    let ground = ground(2).await;
    let vip = ground.made("VIP", None).await;
    ground.made("Gold", Some("lists:has_all(VIP)")).await;
    ground.made("Silver", Some("score:>5 AND NOT list:vip")).await;
    let reply = ground.delete(&format!("/{vip}")).await;
    assert_eq!((reply.status, reply.code()), (409, "list_in_use"));
    assert_eq!(reply.json["detail"], "the list is part of the rules of `Gold`, `Silver`; change those first");
    assert_eq!(ground.delete("/Gold").await.status, 204);
    ground.patch("/Silver", json!({"query": "score:>5"})).await;
    assert_eq!(ground.delete(&format!("/{vip}")).await.status, 204);
    assert_eq!(ground.get(&format!("/{vip}")).await.status, 404);
}

#[tokio::test]
async fn a_rule_is_looked_at_before_it_is_saved() {
    let ground = ground(5).await;
    let reply = ground.post("/preview", json!({"query": "budget:>=1", "sort": "-budget", "limit": 2})).await;
    assert_eq!((reply.status, &reply.json["count"], &reply.json["total"]), (200, &json!(4), &json!(4)));
    assert_eq!(super::emails(&reply), ["c4@example.com", "c3@example.com"]);
    let cursor = reply.json["next_cursor"].clone();
    let body = json!({"query": "budget:>=1", "sort": "-budget", "limit": 2, "cursor": cursor});
    assert_eq!(super::emails(&ground.post("/preview", body).await), ["c2@example.com", "c1@example.com"]);
    let reply = ground.post("/preview", json!({"query": "scroe:>1"})).await;
    assert_eq!(
        (&reply.json["count"], &reply.json["warnings"][0]["did_you_mean"]),
        (&json!(0), &json!("score"))
    );
    let reply = ground.post("/preview", json!({"query": "segment:None"})).await;
    assert_eq!((reply.status, reply.code()), (422, "unknown_segment"));
    assert_eq!(ground.get("").await.json["items"], json!([]));
}

#[tokio::test]
async fn a_segment_whose_rule_no_longer_fits_says_so_and_leaves_the_others_alone() {
    let ground = ground(3).await;
    ground.made("Rich", Some("budget:>=1")).await;
    ground.made("Even", Some("industry:even")).await;
    let fields =
        store::FieldStore::fields(&ground.store, &ground.tenant, store::Freshness::Strong).await.unwrap();
    let budget = fields.get(&model::FieldSlug::from_name("budget").unwrap()).unwrap();
    let id = model::FieldId { kind: model::AttributeType::Boolean, number: 99 };
    let after = model::Field { id, ..budget.clone() };
    store::FieldStore::replace_field(&ground.store, &ground.tenant, budget, after).await.unwrap();
    let listed = ground.get("").await;
    let rich = &listed.json["items"][0];
    assert_eq!(
        (&rich["count"], &rich["problem"]["code"]),
        (&json!(null), &json!("wrong_operator")),
        "{rich}"
    );
    assert_eq!(listed.json["items"][1]["count"], 2);
    let reply = ground.get("/Rich/count").await;
    assert_eq!((reply.status, reply.code()), (422, "wrong_operator"));
}

/// An import makes thousands a second.
#[tokio::test]
async fn a_line_that_is_drawn_through_a_crowd_parts_it_exactly() {
    let ground = ground(0).await;
    let start: DateTime<Utc> = "2026-11-23T11:59:59.400Z".parse().unwrap();
    for n in 0..1_200 {
        let email = Email::parse(&format!("c{n}@example.com")).unwrap();
        let new = NewContact::of(Profile::new(email.clone(), email.to_string(), Status::Active));
        let write = vec![Write::Create(Box::new(new))];
        ground.store.write(&ground.tenant, write, start + TimeDelta::milliseconds(n)).await.unwrap();
    }
    ground.index().await;
    for (query, expected) in [
        ("created_at:>=2026-11-23T11:59:59.900Z", 700),
        ("created_at:<2026-11-23T11:59:59.401Z", 1),
        ("created_at:>2026-11-23T12:00:00Z", 599),
        ("NOT created_at:>=2026-11-23T12:00:00.100Z", 700),
    ] {
        let reply = ground.post("/preview", json!({"query": query, "limit": 1})).await;
        assert_eq!((reply.status, &reply.json["count"]), (200, &json!(expected)), "{query}: {}", reply.json);
        ground.made(query, Some(query)).await;
    }
    let lists = ground.get("").await.json["items"].clone();
    let mut counts: Vec<u64> =
        lists.as_array().unwrap().iter().map(|list| list["count"].as_u64().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 599, 700, 700]);
}
