//! Engagement events to scores, over HTTP, the bus and the queue.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::client::{Client, until, until_within};
use crate::domain_events::told;
use crate::product::{Product, is_elsewhere};

fn event(email: &str, id: &str, minute: u32, kind: &str) -> Value {
    json!({
        "id": id, "type": kind, "contact": {"email": email},
        "occurred_at": format!("2026-01-05T08:{minute:02}:00.250Z"),
        "properties": if kind == "email.bounced" { json!({"bounce_type": "hard"}) } else { json!({}) },
    })
}

fn contact(client: &Client, email: &str) -> Value {
    client.get(&format!("/api/v1/contacts/{email}")).json
}

fn create(client: &Client, email: &str) {
    assert_eq!(client.post("/api/v1/contacts", &json!({"email": email})).status, 201);
}

fn send(client: &Client, events: &[Value]) {
    let sent = client.post("/api/v1/events", &json!({"events": events}));
    let all = json!({"accepted": events.len(), "rejected": []});
    assert_eq!((sent.status, &sent.json), (202, &all));
}

/// Waits until so many events of a contact are recorded, and gives the explanation of its score.
fn explained(client: &Client, email: &str, events: usize) -> Value {
    until(|| {
        let activity = client.get(&format!("/api/v1/contacts/{email}/activity?limit=200")).json;
        (activity["items"].as_array()?.len() == events).then_some(())
    });
    let explained = client.get(&format!("/api/v1/contacts/{email}/score")).json;
    let entries = explained["entries"].as_array().expect("entries");
    let sum: i64 = entries.iter().map(|entry| entry["points"].as_i64().expect("points")).sum();
    assert_eq!(explained["score"], sum, "{explained}");
    // Another instance may know the tenant's tiers of up to a minute ago.
    until(|| {
        let shown = contact(client, email);
        assert_eq!(shown["score"], explained["score"]);
        (shown["tier"] == explained["tier"]).then_some(())
    });
    explained
}

#[test]
fn the_table_of_points_holds() {
    let client = Product::get().client();
    let table = [
        ("email.opened", 1, "cold", "active"),
        ("email.clicked", 5, "cold", "active"),
        ("email.replied", 10, "cold", "active"),
        ("pricing_page.visited", 20, "warm", "active"),
        ("email.bounced", -50, "cold", "bounced"),
        ("email.unsubscribed", 0, "cold", "unsubscribed"),
    ];
    let email = |kind: &str| format!("{kind}@example.com");
    for (kind, ..) in table {
        create(&client, &email(kind));
    }
    send(&client, &table.map(|(kind, ..)| event(&email(kind), "e1", 0, kind)));
    for (kind, score, tier, status) in table {
        let told = explained(&client, &email(kind), 1);
        assert_eq!((&told["score"], &told["tier"]), (&json!(score), &json!(tier)), "{kind}");
        assert_eq!(contact(&client, &email(kind))["status"], status, "{kind}");
    }
    assert_eq!(contact(&client, &email("email.opened"))["last_opened_at"], "2026-01-05T08:00:00.250Z");
    // What events bring is there to search for like everything else.
    for (query, found) in [
        ("score:%3E%3D10", 2),
        ("tier:warm", 1),
        ("score:-50", 1),
        ("has:last_opened_at", 1),
        ("opens:1", 1),
        ("visits:0", 5),
    ] {
        until(|| {
            let count = client.get(&format!("/api/v1/contacts/count?query={query}")).json;
            (count["count"] == found).then_some(())
        });
    }
}

#[test]
fn late_and_repeated_and_machine_events_leave_the_score_of_their_order() {
    let client = Product::get().client();
    let email = "jane@example.com";
    create(&client, email);
    let mut scanner = event(email, "scan", 55, "email.clicked");
    scanner["machine"] = json!(true);
    // In the order in which they happened: 20, then 0, then 10 + 1 + 20 + 20.
    let events = [
        event(email, "e1", 10, "pricing_page.visited"),
        event(email, "e2", 20, "email.unsubscribed"),
        event(email, "e3", 30, "email.replied"),
        event(email, "e4", 40, "email.opened"),
        event(email, "e5", 50, "pricing_page.visited"),
        event(email, "e6", 50, "pricing_page.visited"),
        scanner,
    ];
    for n in [4, 2, 4, 6, 5, 1, 0, 3, 1] {
        send(&client, &[events[n].clone()]);
    }
    send(&client, &events);
    let told = explained(&client, email, events.len());
    assert_eq!((&told["score"], &told["tier"]), (&json!(51), &json!("hot")), "{told}");
    let order: Vec<(&str, i64)> = told["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| (entry["event_id"].as_str().expect("an id"), entry["after"].as_i64().expect("a score")))
        .collect();
    let expected = [("e1", 20), ("e2", 0), ("e3", 10), ("e4", 11), ("e5", 31), ("e6", 51), ("scan", 51)];
    assert_eq!(order, expected);
    assert_eq!(contact(&client, email)["status"], "unsubscribed");
    let jane = contact(&client, email);
    assert_eq!(
        (&jane["last_clicked_at"], &jane["clicks"], &jane["visits"]),
        (&json!(null), &json!(0), &json!(3))
    );
}

#[test]
fn events_wait_for_the_contact_of_their_address() {
    let client = Product::get().client();
    let email = "later@example.com";
    send(&client, &[event(email, "e1", 0, "email.replied"), event(email, "e2", 1, "email.opened")]);
    // Behind them in the same queue: when these are recorded, those are parked.
    create(&client, "now@example.com");
    send(&client, &[event("now@example.com", "e1", 0, "email.opened")]);
    explained(&client, "now@example.com", 1);
    create(&client, email);
    assert_eq!(explained(&client, email, 2)["score"], 11);
    let file = format!("email\n{email}\nthird@example.com\n");
    send(&client, &[event("third@example.com", "e1", 0, "email.clicked")]);
    client.import(&json!({"filename": "leads.csv"}), file.as_bytes());
    assert_eq!(explained(&client, "third@example.com", 1)["score"], 5);
}

#[test]
fn an_event_of_an_unknown_address_makes_a_pending_contact_where_the_tenant_wants_that() {
    let client = Product::get().client();
    assert_eq!(client.put("/api/v1/settings", &json!({"unknown_addresses": "create"})).status, 200);
    send(&client, &[event("New@Example.com", "e1", 0, "email.replied")]);
    let email = "new@example.com";
    until(|| (client.get(&format!("/api/v1/contacts/{email}")).status == 200).then_some(()));
    assert_eq!(explained(&client, email, 1)["score"], 10);
    assert_eq!(contact(&client, email)["status"], "pending");
}

#[test]
fn other_rules_score_everybody_anew_and_other_tiers_rank_them() {
    let client = Product::get().client();
    for n in 0..30 {
        create(&client, &format!("c{n}@example.com"));
    }
    let events: Vec<Value> = (0..30)
        .flat_map(|n| {
            (0..n % 3).map(move |m| event(&format!("c{n}@example.com"), &format!("e{m}"), m, "email.opened"))
        })
        .collect();
    send(&client, &events);
    // Messages of a queue are recorded in any order: the last sent says nothing of the others.
    for n in 0..30 {
        explained(&client, &format!("c{n}@example.com"), n % 3);
    }
    let rules = json!({
        "rules": [{"id": "opened", "event": "email.opened", "points": 7}],
        "tiers": {"warm": 7, "hot": 14},
    });
    let preview = client.post("/api/v1/scoring/preview", &rules).json;
    assert_eq!((&preview["exact"], &preview["changed"]), (&json!(true), &json!(20)), "{preview}");
    assert_eq!(preview["after"], json!({"hot": 10, "warm": 10, "cold": 10}));
    let saved = client.put("/api/v1/scoring", &rules);
    assert_eq!((saved.status, &saved.json["version"]), (200, &json!(1)), "{}", saved.text);
    let done = until(|| {
        let shown = client.get("/api/v1/scoring").json;
        (shown["refold"]["status"] == "done").then_some(shown)
    });
    assert_eq!((&done["refold"]["progress"], &done["rules"]), (&json!(1.0), &rules["rules"]));
    for (n, tier) in [(27, "cold"), (28, "warm"), (29, "hot")] {
        let email = format!("c{n}@example.com");
        // Other instances follow within a minute.
        until(|| (contact(&client, &email)["tier"] == tier).then_some(()));
        assert_eq!(explained(&client, &email, n % 3)["score"], 7 * (n % 3), "{email}");
    }
    // An event that comes late counts by them, too.
    send(&client, &[event("c0@example.com", "late", 0, "email.opened")]);
    assert_eq!(explained(&client, "c0@example.com", 1)["score"], 7);
    let tiers = json!({"rules": rules["rules"], "tiers": {"warm": 14, "hot": 15}});
    assert_eq!(client.put("/api/v1/scoring", &tiers).json["version"], 1);
    for (query, found) in [("tier:hot", 0), ("tier:warm", 10), ("tier:cold", 20), ("score:7", 11)] {
        until(|| {
            let count = client.get(&format!("/api/v1/contacts/count?query={query}")).json;
            (count["count"] == found).then_some(())
        });
    }
}

#[test]
fn points_expire_by_the_clock_alone_and_a_tier_that_changes_is_told_once() {
    let client = Product::get().client();
    let email = "fading@example.com";
    let rules = json!({
        "rules": [{"id": "visited", "event": "pricing_page.visited", "points": 20}],
        "decay": {"expire_after_days": 1},
    });
    let preview = client.post("/api/v1/scoring/preview", &rules);
    assert_eq!(preview.status, 200, "{}", preview.text);
    let saved = client.put("/api/v1/scoring", &rules);
    assert_eq!((saved.status, &saved.json["decay"]), (200, &rules["decay"]), "{}", saved.text);
    create(&client, email);
    let day = TimeDelta::days(1);
    let visit = |id: &str, occurred_at: DateTime<Utc>| {
        let mut visit = event(email, id, 0, "pricing_page.visited");
        visit["occurred_at"] = json!(occurred_at);
        visit
    };
    // One that is told late and has expired, and one that expires in a moment.
    send(
        &client,
        &[visit("old", Utc::now() - day * 2), visit("new", Utc::now() - day + TimeDelta::seconds(25))],
    );
    let before = explained(&client, email, 2);
    assert_eq!((&before["score"], &before["tier"]), (&json!(20), &json!("warm")), "{before}");
    assert!(before["changes_at"].is_string(), "{before}");
    // Its turn comes within a minute, and nobody but the clock does anything.
    until_within(Duration::from_secs(240), || (contact(&client, email)["score"] == 0).then_some(()));
    let after = explained(&client, email, 2);
    let entries: Vec<(&str, &str, i64)> = after["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().expect("text");
            (text("event_id"), text("type"), entry["points"].as_i64().expect("points"))
        })
        .collect();
    let visited = "pricing_page.visited";
    let wanted = [("old", visited, 20), ("old", "decay", -20), ("new", visited, 20), ("new", "decay", -20)];
    assert_eq!((entries.as_slice(), &after["changes_at"]), (wanted.as_slice(), &Value::Null));
    until(|| {
        (client.get("/api/v1/contacts/count?query=score:0%20tier:cold").json["count"] == 1).then_some(())
    });
    if is_elsewhere("the bus of this process") {
        return;
    }
    let tiers = || -> Vec<Value> {
        let told = told(&client).into_iter().filter(|event| event["detail-type"] == "score.tier_changed");
        told.map(|event| json!([event["detail"]["from"], event["detail"]["to"]])).collect()
    };
    until(|| (tiers().len() >= 2).then_some(()));
    assert_eq!(tiers(), [json!(["cold", "warm"]), json!(["warm", "cold"])]);
}

/// Gives numbers that look random, always the same.
fn random(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// On AWS what failed because a contact changed all the time comes again after six minutes.
const COMES_AGAIN: Duration = Duration::from_secs(480);

/// `bench events` does the same with a million events.
#[test]
fn shuffled_events_with_repeats_end_in_the_scores_of_a_plain_fold() {
    const KINDS: [&str; 5] =
        ["email.opened", "email.clicked", "email.replied", "pricing_page.visited", "email.unsubscribed"];
    const CONTACTS: u64 = 40;
    const EVENTS: u64 = 2_000;
    let client = Product::get().client();
    let email = |n: u64| format!("s{n}@example.com");
    let contacts: Vec<Value> = (0..CONTACTS).map(|n| json!({"email": email(n)})).collect();
    client.post("/api/v1/contacts/batch", &json!({"mode": "create_only", "contacts": contacts}));
    let made = |n: u64| {
        let (who, minute, kind) =
            (random(3 * n + 1) % CONTACTS, random(3 * n + 2) % 50, random(3 * n + 3) % 19);
        // One of nineteen takes it all.
        let kind = if kind == 18 { 4 } else { kind % 4 };
        (who, minute, format!("e{n}"), KINDS[kind as usize])
    };
    let mut order: Vec<u64> = (0..EVENTS).chain((0..EVENTS / 10).map(|n| random(n) % EVENTS)).collect();
    order.sort_by_key(|n| random(*n ^ 0x5eed));
    for some in order.chunks(300) {
        let events = some.iter().map(|n| {
            let (who, minute, id, kind) = made(*n);
            event(&email(who), &id, minute as u32, kind)
        });
        send(&client, &events.collect::<Vec<_>>());
    }
    let mut all: Vec<_> = (0..EVENTS).map(made).collect();
    all.sort();
    let mut wanted = vec![(0_i64, 0_u64); CONTACTS as usize];
    for (who, _, _, kind) in all {
        let (score, opens) = &mut wanted[who as usize];
        *opens += u64::from(kind == "email.opened");
        *score = match kind {
            "email.opened" => *score + 1,
            "email.clicked" => *score + 5,
            "email.replied" => *score + 10,
            "pricing_page.visited" => *score + 20,
            _ => 0,
        };
    }
    for (n, (score, opens)) in (0..).zip(wanted) {
        until_within(COMES_AGAIN, || {
            let shown = contact(&client, &email(n));
            (shown["score"] == score && shown["opens"] == opens).then_some(())
        });
    }
}
