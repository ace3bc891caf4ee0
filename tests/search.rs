//! Search and counts over HTTP, through the stream and the index, on the real engine.

use serde_json::{Value, json};

use crate::client::{Client, until};
use crate::product::Product;

fn encoded(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn count(client: &Client, query: &str) -> Value {
    let reply = client.get(&format!("/api/v1/contacts/count?query={}", encoded(query)));
    assert_eq!(reply.status, 200, "{query}: {}", reply.json);
    reply.json["count"].clone()
}

/// Waits until a query means so many.
fn until_counted(client: &Client, query: &str, expected: u64) {
    until(|| (count(client, query) == expected).then_some(()));
}

/// Gives the addresses that a search finds, page by page.
fn found(client: &Client, query: &str, sort: &str, limit: usize) -> Vec<String> {
    let path = format!("/api/v1/contacts/search?query={}&limit={limit}{sort}", encoded(query));
    let mut emails = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("{path}{cursor}"));
        assert_eq!(page.status, 200, "{query}: {}", page.json);
        let items = page.json["items"].as_array().expect("items");
        emails.extend(items.iter().map(|item| item["email"].as_str().expect("an email").to_owned()));
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => {
                assert_eq!(page.json["total"], emails.len());
                return emails;
            }
        }
    }
}

fn person(n: u64) -> Value {
    json!({
        "email": format!("person-{n:03}@example.com"),
        "first_name": if n.is_multiple_of(2) { "Jane" } else { "Zoë" },
        "company": format!("Company {}", n % 10),
        "phone": format!("+1415555{n:04}"),
        "status": if n.is_multiple_of(5) { "unsubscribed" } else { "active" },
        "tags": if n.is_multiple_of(3) { json!(["partner"]) } else { json!([]) },
        "attributes": {"Industry": if n < 100 { "SaaS" } else { "Retail" }, "Budget": n * 10, "VIP": n.is_multiple_of(4)},
    })
}

#[test]
fn what_is_written_is_found_counted_sorted_and_walked() {
    let client = Product::get().client();
    let people: Vec<Value> = (0..200).map(person).collect();
    let batch = client.post("/api/v1/contacts/batch", &json!({"contacts": people}));
    assert_eq!(batch.json["created"], 200, "{}", batch.json);
    until_counted(&client, "has:email", 200);
    for (query, expected) in [
        ("industry:saas", 100),
        ("industry:SaaS AND budget:>500", 49),
        ("NOT status:unsubscribed AND company:\"company 3\"", 20),
        ("jan*", 100),
        ("zoe", 100),
        ("person-00", 10),
        ("email:person-007@example.com", 1),
        ("email:*@example.com", 200),
        ("phone:\"+14155550042\"", 1),
        ("tag:partner vip:true", 17),
        ("vip:false", 150),
        ("has:job_title", 0),
        ("company:ends_with(\"y 7\")", 20),
        ("created_at:<1d", 200),
        ("created_at:>1d", 0),
        ("score:0", 200),
        ("tier:cold -tier:hot", 200),
        ("scroe:>5", 0),
    ] {
        until_counted(&client, query, expected);
    }
    let best = found(&client, "industry:saas", "&sort=-budget", 30);
    assert_eq!(best, (0..100).rev().map(|n| format!("person-{n:03}@example.com")).collect::<Vec<_>>());
    let mut all = found(&client, "has:email", "", 70);
    all.sort();
    assert_eq!(all, (0..200).map(|n| format!("person-{n:03}@example.com")).collect::<Vec<_>>());
}

#[test]
fn the_index_follows_changes_deletes_and_moves() {
    let client = Product::get().client();
    let created = client.post("/api/v1/contacts", &json!({"email": "jane@example.com", "company": "Acme"}));
    let path = format!("/api/v1/contacts/{}", created.json["id"].as_str().expect("an id"));
    until_counted(&client, "company:acme", 1);
    assert_eq!(client.patch(&path, &json!({"company": "Globex"})).status, 200);
    until_counted(&client, "company:globex", 1);
    until_counted(&client, "company:acme", 0);
    assert_eq!(client.patch(&path, &json!({"email": "jane.doe@example.com", "company": null})).status, 200);
    until_counted(&client, "missing:company", 1);
    assert_eq!(found(&client, "jane.d", "", 50), ["jane.doe@example.com"]);
    assert_eq!(client.delete(&path).status, 204);
    until_counted(&client, "has:email", 0);
}

#[test]
fn an_imported_file_is_found() {
    let client = Product::get().client();
    let csv: String = (0..3_000).map(|n| format!("row-{n}@example.com,{}\n", n % 7)).collect();
    let import =
        client.import(&json!({"filename": "people.csv"}), format!("Email,Weekday\n{csv}").as_bytes());
    assert_eq!(import["rows"]["created"], 3_000, "{import}");
    until_counted(&client, "weekday:3", 429);
    until_counted(&client, "has:email", 3_000);
}

#[test]
fn what_cannot_be_searched_is_told() {
    let client = Product::get().client();
    let get = |rest: &str| client.get(&format!("/api/v1/contacts/search?query={rest}"));
    for (rest, status, code) in [
        ("score%3A%3E", 400, "invalid_query"),
        ("has%3Aemail&sort=phone", 400, "not_sortable"),
        ("has%3Aemail&sort=scroe", 400, "unknown_field"),
    ] {
        let reply = get(rest);
        assert_eq!(
            (reply.status, &reply.json["errors"][0]["code"]),
            (status, &json!(code)),
            "{}",
            reply.json
        );
    }
    for (rest, code) in [("has%3Aemail&limit=0", "invalid_limit"), ("has%3Aemail&cursor=x", "invalid_cursor")]
    {
        let reply = get(rest);
        assert_eq!((reply.status, &reply.json["code"]), (400, &json!(code)), "{}", reply.json);
    }
    let odd = get("scroe%3A%3E5").json;
    assert_eq!((&odd["total"], &odd["warnings"][0]["did_you_mean"]), (&json!(0), &json!("score")));
    let tree = json!({"rule": {"field": "email", "op": "exists"}, "limit": 1, "sort": "-created_at"});
    let reply = client.post("/api/v1/contacts/search", &tree);
    assert_eq!((reply.status, &reply.json["total"]), (200, &json!(0)), "{}", reply.json);
    let tree = json!({"rule": {"field": "email", "op": "exists"}});
    assert_eq!(client.post("/api/v1/contacts/count", &tree).json["count"], 0);
}

#[test]
fn the_command_line_finds_them_as_a_table_and_as_lines_of_json() {
    let client = Product::get().client();
    let people: Vec<Value> = (0..250).map(person).collect();
    client.post("/api/v1/contacts/batch", &json!({"contacts": people}));
    until_counted(&client, "has:email", 250);
    let leads = |arguments: &[&str]| {
        let mut command = std::process::Command::new(crate::leads_binary::path());
        command.arg("search").args(arguments).args(["--url", &client.url, "--api-key", &client.key]);
        let output = command.output().expect("run leads");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, table, told) = leads(&[
        "industry:retail",
        "--sort",
        "-budget",
        "--limit",
        "2",
        "--columns",
        "email,attributes.budget",
    ]);
    assert_eq!((code, told.as_str()), (Some(0), "150 contacts\n"));
    let expected = "email\tattributes.budget\nperson-249@example.com\t2490\nperson-248@example.com\t2480\n";
    assert_eq!(table, expected);
    let (_, lines, _) = leads(&["has:email", "--limit", "1000", "--ndjson"]);
    let emails: std::collections::BTreeSet<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["email"].to_string())
        .collect();
    assert_eq!((lines.lines().count(), emails.len()), (250, 250));
    let (code, table, told) = leads(&["scroe:>5"]);
    assert_eq!((code, table.lines().count()), (Some(0), 1));
    assert!(told.contains("did you mean `score`?"), "{told}");
    let (code, _, told) = leads(&["score:>"]);
    assert!(code == Some(1) && told.starts_with("error: "), "{told}");
}

#[test]
fn contacts_are_listed_in_the_order_of_a_text_and_by_what_they_are() {
    let client = Product::get().client();
    let people: Vec<Value> = (0..120).map(person).collect();
    client.post("/api/v1/contacts/batch", &json!({"contacts": people}));
    client.post("/api/v1/contacts", &json!({"email": "nobody@example.com"}));
    until_counted(&client, "has:email", 121);
    let walk = |rest: &str| {
        let mut emails = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = client.get(&format!("/api/v1/contacts?limit=7&{rest}{cursor}"));
            assert_eq!(page.status, 200, "{rest}: {}", page.json);
            let items = page.json["items"].as_array().expect("items").clone();
            emails.extend(items.iter().map(|item| item["email"].as_str().expect("an email").to_owned()));
            match page.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return emails,
            }
        }
    };
    // By the company, and within it the newest first; who has none comes last.
    let email = |n: u64| format!("person-{n:03}@example.com");
    let mut expected: Vec<u64> = (0..120).rev().collect();
    expected.sort_by_key(|n| n % 10);
    let expected = expected.into_iter().map(email).chain(["nobody@example.com".to_owned()]);
    assert_eq!(walk("sort=company"), expected.collect::<Vec<_>>());
    let mut expected: Vec<u64> = (0..120).rev().collect();
    expected.sort_by_key(|n| std::cmp::Reverse(n % 10));
    let unsubscribed = expected.iter().filter(|n| *n % 5 == 0).map(|n| email(*n));
    assert_eq!(walk("sort=-company&status=unsubscribed"), unsubscribed.collect::<Vec<_>>());
    let tagged = (0..120).rev().filter(|n| n % 3 == 0).map(email);
    assert_eq!(walk("tag=Partner"), tagged.collect::<Vec<_>>());
    for (rest, code) in
        [("status=gone", "invalid_status"), ("email=a%40example.com&sort=score", "malformed_request")]
    {
        let reply = client.get(&format!("/api/v1/contacts?{rest}"));
        assert_eq!((reply.status, &reply.json["code"]), (400, &json!(code)), "{}", reply.json);
    }
}
