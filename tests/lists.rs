//! Lists and segments over HTTP, through the stream and the index, on the real engine.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use local::{Data, Options, Process};
use serde_json::{Value, json};
use store::Clock;
use tokio::runtime::Runtime;

use crate::client::{Client, until, until_within};
use crate::product::{Product, is_elsewhere};

fn put(client: &Client, contact: &Value) {
    let reply = client.put("/api/v1/contacts", contact);
    assert!(reply.status == 201 || reply.status == 200, "{}", reply.json);
}

/// Makes a list and gives its path.
fn made(client: &Client, name: &str, query: Option<&str>) -> String {
    let kind = if query.is_some() { "dynamic" } else { "static" };
    let reply = client.post("/api/v1/lists", &json!({"name": name, "type": kind, "query": query}));
    assert_eq!(reply.status, 201, "{name}: {}", reply.json);
    format!("/api/v1/lists/{}", reply.json["id"].as_str().expect("an id"))
}

/// Gives the addresses before the `@` of who is on a list, sorted.
fn members(client: &Client, path: &str) -> Vec<String> {
    let page = client.get(&format!("{path}/contacts?status=any&limit=200"));
    assert_eq!(page.status, 200, "{}", page.json);
    let items = page.json["items"].as_array().expect("items").iter();
    let mut names: Vec<String> = items
        .map(|contact| {
            contact["email"].as_str().and_then(|email| email.split('@').next()).expect("an email").to_owned()
        })
        .collect();
    names.sort();
    names
}

/// Waits until these are on a list, and holds its counts and each explanation against that.
fn until_members(client: &Client, path: &str, expected: &[&str]) {
    // Pages leave out whoever left since the index was written: the count follows it.
    let count = || client.get(&format!("{path}/count")).json["count"].clone();
    until(|| (count() == expected.len() && members(client, path) == expected).then_some(()));
    let list = client.get(path).json;
    let what = if list["type"] == "static" { "list" } else { "segment" };
    for contact in client.all_contacts() {
        let email = contact["email"].as_str().expect("an email");
        let query = format!("{what}:{}", list["id"].as_str().expect("an id"));
        let explained = client.post("/api/v1/rules/explain", &json!({"contact": email, "query": query})).json;
        let is_member = expected.iter().any(|name| email.starts_with(&format!("{name}@")));
        assert_eq!(explained["member"], is_member, "{email}: {explained}");
    }
}

fn event(email: &str, id: &str, kind: &str, at: &str) -> Value {
    json!({"id": id, "type": kind, "contact": {"email": email}, "occurred_at": at, "properties": {}})
}

#[test]
fn the_examples_of_the_product_are_segments_that_follow_the_data() {
    let client = Product::get().client();
    for (name, industry, location) in
        [("ada", "Technology", "USA"), ("bob", "Technology", "UK"), ("cy", "Retail", "USA")]
    {
        let contact = json!({"email": format!("{name}@example.com"), "attributes": {"Industry": industry, "Location": location}});
        put(&client, &contact);
    }
    let technology = made(&client, "Technology in the USA", Some("industry:Technology AND location:USA"));
    let opened = made(&client, "Recently opened", Some("last_opened_at:<30d"));
    let scored = made(&client, "High score", Some("score:>50"));
    until_members(&client, &technology, &["ada"]);
    until_members(&client, &opened, &[]);
    put(&client, &json!({"email": "bob@example.com", "attributes": {"Location": "usa"}}));
    put(&client, &json!({"email": "ada@example.com", "attributes": {"Industry": "Retail"}}));
    until_members(&client, &technology, &["bob"]);
    let now = Utc::now().to_rfc3339();
    let visits = (0..3).map(|n| event("cy@example.com", &format!("v{n}"), "pricing_page.visited", &now));
    let events: Vec<Value> = visits.chain([event("ada@example.com", "o1", "email.opened", &now)]).collect();
    assert_eq!(client.post("/api/v1/events", &json!({"events": events})).status, 202);
    until_members(&client, &opened, &["ada"]);
    until_members(&client, &scored, &["cy"]);
    let ended = event("cy@example.com", "u1", "email.unsubscribed", &Utc::now().to_rfc3339());
    assert_eq!(client.post("/api/v1/events", &json!({"events": [ended]})).status, 202);
    until_members(&client, &scored, &[]);
}

#[test]
fn a_newsletter_leaves_out_who_left_and_knows_whom_to_win_back_and_whom_to_treat_well() {
    let client = Product::get().client();
    for n in 0..6 {
        let status = if n == 5 { "unsubscribed" } else { "active" };
        let contact = json!({
            "email": format!("p{n}@example.com"), "status": status, "tags": ["reader"],
            "attributes": {"VIP Status": n == 1, "Budget": n * 50_000},
        });
        put(&client, &contact);
    }
    let newsletter = made(&client, "Newsletter", None);
    until(|| (client.get("/api/v1/contacts/count?query=tag:reader").json["count"] == 6).then_some(()));
    let changed =
        client.post(&format!("{newsletter}/contacts"), &json!({"add_query": "tag:reader", "remove": []}));
    assert_eq!(changed.json["added"], 6, "{}", changed.json);
    until_members(&client, &newsletter, &["p0", "p1", "p2", "p3", "p4", "p5"]);
    // A sender gets those that may be written to.
    let page = client.get(&format!("{newsletter}/contacts?sort=-budget"));
    assert_eq!((&page.json["total"], &page.json["items"][0]["email"]), (&json!(5), &json!("p4@example.com")));
    let vip = made(&client, "VIP offers", Some("list:Newsletter AND (vip_status:true OR budget:>=200000)"));
    let back = made(&client, "Win back", Some("list:Newsletter AND NOT last_opened_at:<90d"));
    let rest = made(
        &client,
        "Rest",
        Some("list:Newsletter AND NOT segment:\"VIP offers\" AND NOT segment:\"Win back\""),
    );
    until_members(&client, &vip, &["p1", "p4", "p5"]);
    let now = Utc::now().to_rfc3339();
    let opens: Vec<Value> =
        (1..4).map(|n| event(&format!("p{n}@example.com"), "o1", "email.opened", &now)).collect();
    assert_eq!(client.post("/api/v1/events", &json!({"events": opens})).status, 202);
    until_members(&client, &back, &["p0", "p4", "p5"]);
    until_members(&client, &rest, &["p2", "p3"]);
    // A change of the address takes the lists along, and a contact that is gone is on none.
    let moved = client.patch("/api/v1/contacts/p2@example.com", &json!({"email": "q2@example.com"}));
    assert_eq!(moved.json["lists"].as_array().map(Vec::len), Some(1), "{}", moved.json);
    assert_eq!(client.delete("/api/v1/contacts/p3@example.com").status, 204);
    until_members(&client, &rest, &["q2"]);
    let listed = client.get("/api/v1/lists").json;
    let counts: Vec<_> =
        listed["items"].as_array().expect("items").iter().map(|list| list["count"].as_u64()).collect();
    assert_eq!(counts, [Some(5), Some(3), Some(3), Some(1)]);
}

#[test]
fn a_list_is_handed_over_as_it_was_when_the_walk_began() {
    let client = Product::get().client();
    let list = made(&client, "Handed over", None);
    let mut file = "email\n".to_owned();
    (0..450).for_each(|n| file.push_str(&format!("p{n}@example.com\n")));
    assert_eq!(client.import(&json!({"lists": ["Handed over"]}), file.as_bytes())["rows"]["created"], 450);
    until(|| (client.get(&format!("{list}/count")).json["count"] == 450).then_some(()));
    let mut handed = Vec::new();
    let mut path = format!("{list}/contacts?limit=100");
    let mut pages = 0;
    loop {
        let page = client.get(&path);
        assert_eq!((page.status, &page.json["total"]), (200, &json!(450)), "{}", page.json);
        let items = page.json["items"].as_array().expect("items").iter();
        handed.extend(items.map(|contact| contact["email"].as_str().expect("an email").to_owned()));
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        path = format!("{list}/contacts?limit=100&cursor={cursor}");
        pages += 1;
        if pages == 1 {
            let left = client.post(&format!("{list}/contacts"), &json!({"remove": ["p10@example.com"]}));
            assert_eq!(left.json["removed"], 1);
            put(&client, &json!({"email": "p11@example.com", "status": "unsubscribed"}));
            assert_eq!(client.delete("/api/v1/contacts/p12@example.com").status, 204);
            let moved =
                client.patch("/api/v1/contacts/p13@example.com", &json!({"email": "q13@example.com"}));
            assert_eq!(moved.status, 200);
            put(&client, &json!({"email": "late@example.com"}));
            let late = client.post(&format!("{list}/contacts"), &json!({"add": ["late@example.com"]}));
            assert_eq!(late.json["added"], 1);
        }
    }
    let gone = [10, 11, 12, 13].map(|n| format!("p{n}@example.com"));
    let mut expected: Vec<String> =
        (0..450).map(|n| format!("p{n}@example.com")).filter(|email| !gone.contains(email)).collect();
    expected.push("q13@example.com".to_owned());
    expected.sort();
    handed.sort();
    assert_eq!((handed, pages), (expected, 4));
}

#[test]
fn a_list_is_changed_in_the_background_however_many_contacts_that_are() {
    let client = Product::get().client();
    let list = made(&client, "All of them", None);
    let mut file = "email\n".to_owned();
    (0..1_300).for_each(|n| file.push_str(&format!("p{n}@example.com\n")));
    assert_eq!(client.import(&json!({}), file.as_bytes())["rows"]["created"], 1_300);
    until(|| {
        (client.post("/api/v1/contacts/count", &json!({"query": "has:email"})).json["count"] == 1_300)
            .then_some(())
    });
    let off: Vec<String> = (0..1_100).map(|n| format!("p{n}@example.com")).collect();
    for (body, expected) in [
        (json!({"add_query": "email:p*", "background": true}), (1_300, 1_300)),
        (json!({"remove": off, "background": true}), (1_100, 200)),
    ] {
        let asked = client.send("POST", &format!("{list}/contacts"), &[], body.to_string().into_bytes());
        assert_eq!(asked.status, 202, "{}", asked.text);
        let path = format!("{list}/jobs/{}", asked.json["id"].as_str().expect("an id"));
        let job = until_within(Duration::from_secs(240), || {
            let job = client.get(&path).json;
            (job["status"] != "running").then_some(job)
        });
        assert_eq!(
            (&job["status"], &job["progress"], &job["failed"]),
            (&json!("done"), &json!(1.0), &json!(0))
        );
        let changed = job["added"].as_u64().max(job["removed"].as_u64());
        assert_eq!((changed, &job["total"]), (Some(expected.0), &json!(expected.0)), "{job}");
        until(|| (client.get(&format!("{list}/count")).json["count"] == expected.1).then_some(()));
    }
}

#[test]
fn an_import_puts_its_contacts_on_lists() {
    let client = Product::get().client();
    let fair = made(&client, "Fair", None);
    put(&client, &json!({"email": "ada@example.com"}));
    let import =
        client.import(&json!({"lists": ["fair"]}), b"email,name\nada@example.com,Ada\nbob@example.com,Bob\n");
    assert_eq!(import["rows"]["updated"], 1, "{import}");
    until_members(&client, &fair, &["ada", "bob"]);
    let reply = client.post("/api/v1/imports", &json!({"lists": ["None"]}));
    assert_eq!((reply.status, &reply.json["errors"][0]["pointer"]), (422, &json!("/lists/0")));
}

/// Gives what the bus was told of a segment: what, of whom, and why.
fn transitions(client: &Client, segment: &str) -> Vec<(String, String, String)> {
    let id = segment.rsplit('/').next().expect("an id");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let events = client.get("/local/events").json["events"].clone();
    let events = events.as_array().expect("events").iter().filter(|event| event["detail"]["list_id"] == id);
    let mut told: Vec<_> = events
        .map(|event| {
            let detail = &event["detail"];
            (text(&event["detail-type"]), text(&detail["contact_id"]), text(&detail["cause"]))
        })
        .collect();
    told.sort();
    told
}

fn went(way: &str, contact: &str, cause: &str) -> (String, String, String) {
    (format!("segment.{way}"), contact.to_owned(), cause.to_owned())
}

#[test]
fn who_enters_a_segment_and_leaves_it_by_the_clock_is_told_once_each() {
    if is_elsewhere("the bus of this process") {
        return;
    }
    let client = Product::get().client();
    put(&client, &json!({"email": "ada@example.com"}));
    let ada = client.get("/api/v1/contacts/ada@example.com").json["id"].as_str().expect("an id").to_owned();
    let body = json!({"name": "Recent", "query": "last_opened_at:<30d", "events": true});
    let made = client.post("/api/v1/lists", &body);
    assert_eq!((made.status, &made.json["events"]), (201, &json!(true)), "{}", made.json);
    let recent = format!("/api/v1/lists/{}", made.json["id"].as_str().expect("an id"));
    let opened_at = Utc::now() - TimeDelta::days(30) + TimeDelta::seconds(10);
    let opened = event("ada@example.com", "o1", "email.opened", &opened_at.to_rfc3339());
    assert_eq!(client.post("/api/v1/events", &json!({"events": [opened]})).status, 202);
    let told = until(|| Some(transitions(&client, &recent)).filter(|told| !told.is_empty()));
    assert_eq!((told.len(), told[0].0.as_str(), &told[0].1), (1, "segment.entered", &ada), "{told:?}");
    // From here on nothing but time passes.
    let told = until(|| Some(transitions(&client, &recent)).filter(|told| told.len() > 1));
    assert_eq!((told.len(), &told[1]), (2, &went("exited", &ada, "clock")), "{told:?}");
    let static_list = json!({"name": "VIP", "type": "static", "events": true});
    assert_eq!(client.post("/api/v1/lists", &static_list).json["errors"][0]["pointer"], "/events");
}

#[test]
fn time_alone_takes_contacts_out_of_a_segment() {
    if is_elsewhere("a clock of its own") {
        return;
    }
    let data = tempfile::tempdir().expect("a directory");
    let runtime = Runtime::new().expect("a runtime");
    let key = "the-key-of-the-clock-test";
    let at = |now: &str| -> (Process, Client) {
        let options = Options {
            data: Data::Directory(data.path().to_owned()),
            api_key: Some(key.to_owned()),
            clock: Clock::starting_at(now.parse::<DateTime<Utc>>().expect("a time")),
            ..Options::default()
        };
        let process = runtime.block_on(Process::start(options)).expect("the product starts");
        let client = Client::new(&process.url(), key);
        (process, client)
    };
    let (process, client) = at("2026-11-23T12:00:00Z");
    put(&client, &json!({"email": "ada@example.com"}));
    put(&client, &json!({"email": "bob@example.com"}));
    let recent = made(&client, "Recent", Some("last_opened_at:<30d"));
    let quiet = made(&client, "Quiet", Some("NOT segment:Recent"));
    let [ada, bob] = ["ada", "bob"].map(|name| {
        let contact = client.get(&format!("/api/v1/contacts/{name}@example.com")).json;
        contact["id"].as_str().expect("an id").to_owned()
    });
    assert_eq!(client.patch(&recent, &json!({"events": true})).json["events"], true);
    let opens = [
        event("ada@example.com", "o1", "email.opened", "2026-11-01T12:00:00Z"),
        event("bob@example.com", "o2", "email.opened", "2026-11-23T11:00:00Z"),
    ];
    assert_eq!(client.post("/api/v1/events", &json!({"events": opens})).status, 202);
    until_members(&client, &recent, &["ada", "bob"]);
    let body = json!({"contact": "ada@example.com", "query": "segment:Recent"});
    let changes_at = client.post("/api/v1/rules/explain", &body).json["changes_at"].clone();
    assert_eq!(changes_at, "2026-12-01T12:00:00Z");
    let told = until(|| Some(transitions(&client, &recent)).filter(|told| told.len() > 1));
    assert_eq!(told.iter().filter(|told| told.0 == "segment.entered").count(), 2, "{told:?}");
    drop(client);
    runtime.block_on(process.stop());
    // Nothing is written any more, and nothing but the clock moves.
    for (now, is_recent, is_quiet, left) in [
        ("2026-12-01T11:50:00Z", vec!["ada", "bob"], vec![], None),
        ("2026-12-01T12:00:00Z", vec!["bob"], vec!["ada"], Some(&ada)),
        ("2026-12-23T11:00:00Z", vec![], vec!["ada", "bob"], Some(&bob)),
    ] {
        let (process, client) = at(now);
        until_members(&client, &recent, &is_recent);
        until_members(&client, &quiet, &is_quiet);
        // The bus of this process knows what was told since it started.
        let left: Vec<_> = left.iter().map(|contact| went("exited", contact, "clock")).collect();
        until(|| (transitions(&client, &recent) == left).then_some(()));
        drop(client);
        runtime.block_on(process.stop());
    }
}
