//! What reads cost hardly grows with the tenant.
//!
//! Every read operation of the document is called for a small tenant and for one twenty times as
//! large, and the units that the tables charge are compared. Where they grow all the same, the
//! reason stands here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use api::App;
use api::testing::Client as Caller;
use serde_json::{Value, json};
use store::{Clock, DynamoStore, Metered as _, TenantStore as _};
use ureq::http::Method;

use crate::client::{Client, until};
use crate::product::{Product, is_elsewhere};

const SIZES: [usize; 2] = [1_000, 20_000];
const MAX_RATIO: f64 = 1.2;

/// Who is in both tenants alike, the newest of them.
const NEW: usize = 60;

/// What costs more in a larger tenant, and why.
const GROWS: [(&str, &str); 7] = [
    (
        "rounding",
        "each set is a query, charged by half a unit: where that is not full yet, a set may fill it",
    ),
    (
        "address",
        "of many addresses with the same six first bytes the rest is read in the directory: a unit for 190 contacts",
    ),
    ("number", "a column is read whole, so that any range and order is exact: a byte or two a contact"),
    ("time", "a column is read whole, so that any time window is exact: up to three bytes a contact"),
    ("substring", "every value of the field is looked at, under a published bound"),
    (
        "usage",
        "contacts are counted by reading them, at most once an hour: nothing that is counted up can drift",
    ),
    ("suppressions", "they lie among the contacts, and a page reads past those, but at most so many"),
];

/// Is a call with the reason for which it may grow.
struct Read {
    method: Method,
    path: String,
    body: Option<Value>,
    grows: Option<&'static str>,
}

fn get(path: impl Into<String>) -> Read {
    Read { method: Method::GET, path: path.into(), body: None, grows: None }
}

fn post(path: &str, body: Value) -> Read {
    Read { method: Method::POST, path: path.to_owned(), body: Some(body), grows: None }
}

impl Read {
    fn grows(self, reason: &'static str) -> Self {
        assert!(GROWS.iter().any(|(known, _)| *known == reason), "{reason}");
        Self { grows: Some(reason), ..self }
    }

    fn name(&self) -> String {
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        format!("{} {} {body}", self.method, self.path)
    }
}

/// Names what only a tenant's own ids name.
struct Ids {
    import: String,
    field: String,
    /// Behind the first page of a walk over all contacts.
    walk: String,
    /// A change of a list.
    job: String,
}

/// Says how each read operation of the document is called.
fn reads_of(method: &str, path: &str, ids: &Ids) -> Vec<Read> {
    let person = path.replace("{id}", "person-7%40example.com");
    match (method, path) {
        ("get", "/api/v1/contacts") => {
            vec![get(path), get("/api/v1/contacts?email=person-7%40example.com")]
        }
        ("get", "/api/v1/contacts/search") => vec![
            get(format!("{path}?query=cohort:new")),
            get(format!("{path}?query=budget:%3E900&sort=-budget")).grows("number"),
        ],
        ("get", "/api/v1/contacts/count") => vec![get(format!("{path}?query=cohort:new"))],
        ("post", "/api/v1/contacts/search" | "/api/v1/contacts/count") => questions(path),
        ("get", "/api/v1/imports/{id}") => vec![get(path.replace("{id}", &ids.import))],
        ("get", "/api/v1/fields/{id}") => vec![get(path.replace("{id}", &ids.field))],
        ("get", "/api/v1/suppressions/{id}") => vec![get(path.replace("{id}", "gone%40example.com"))],
        ("get", "/api/v1/suppressions") => vec![get(path).grows("suppressions")],
        ("get", "/api/v1/usage") => vec![get(path).grows("usage")],
        ("get", path) if path.starts_with("/api/v1/contacts/{id}") => vec![get(person)],
        ("get", "/api/v1/lists/{id}/contacts") => {
            vec![
                get(path.replace("{id}", "New")),
                get(format!("{}?status=any&cursor={}", path.replace("{id}", "All"), ids.walk)),
            ]
        }
        ("get", "/api/v1/lists/{id}/jobs/{job}") => {
            vec![get(path.replace("{id}", "Static").replace("{job}", &ids.job))]
        }
        ("get", path) if path.starts_with("/api/v1/lists/{id}") => vec![get(path.replace("{id}", "New"))],
        ("post", "/api/v1/lists/preview") => vec![post(path, json!({"query": "cohort:new"}))],
        ("get", path) if !path.contains('{') => vec![get(path)],
        ("post", "/api/v1/rules/parse") => vec![post(path, json!({"query": "cohort:new score:>5"}))],
        ("post", "/api/v1/rules/explain") => {
            vec![post(path, json!({"query": "cohort:new score:>5", "contact": "person-7@example.com"}))]
        }
        ("post", path) if WRITES.contains(&path) => Vec::new(),
        _ => panic!("say how {method} {path} is called, or that it writes"),
    }
}

const WRITES: [&str; 13] = [
    "/api/v1/admin/tenants",
    "/api/v1/api-keys",
    "/api/v1/contacts",
    "/api/v1/contacts/batch",
    "/api/v1/events",
    "/api/v1/fields",
    "/api/v1/imports",
    "/api/v1/lists",
    "/api/v1/lists/{id}/contacts",
    "/api/v1/suppressions",
    // No questions: they go through all contacts.
    "/api/v1/index/audit",
    "/api/v1/index/rebuild",
    "/api/v1/scoring/preview",
];

fn questions(path: &str) -> Vec<Read> {
    let ask = |query: &str, sort: Option<&str>| {
        let mut body = json!({ "query": query });
        if let Some(sort) = sort.filter(|_| path.ends_with("search")) {
            body["sort"] = json!(sort);
        }
        post(path, body)
    };
    vec![
        ask("cohort:new", None),
        ask("status:unsubscribed", None),
        ask("NOT status:unsubscribed AND weekday:3", None).grows("rounding"),
        ask("weekday:3 OR tag:partner", None).grows("rounding"),
        ask("jan*", None),
        ask("email:person-7@example.com", None),
        ask("email:person*", None),
        ask("email:person-11*", None).grows("address"),
        ask("has:phone", None).grows("rounding"),
        ask("cohort:contains(ew)", None),
        ask("budget:>900", Some("-budget")).grows("number"),
        ask("created_at:<1d", Some("created_at")).grows("time"),
        ask("last_name:contains(19)", None).grows("substring"),
    ]
}

/// Imports so many people, of whom the last are alike in both tenants.
fn load(client: &Client, count: usize) -> Ids {
    let mut file = "Email,First Name,Last Name,Company,Phone,Status,Tags,Weekday,Budget,Cohort\n".to_owned();
    for n in 0..count {
        let cohort = if n + NEW >= count { "new" } else { "old" };
        let first = if n % 4 == 0 { "Jane" } else { "Bob" };
        let status = if n % 10 == 0 { "unsubscribed" } else { "active" };
        let tag = if n % 3 == 0 { "partner" } else { "" };
        let (company, weekday, budget) = (n % 50, n % 7, n * 37 % 1_000);
        writeln!(
            file,
            "person-{n}@example.com,{first},Name {},Company {company},,{status},{tag},{weekday},{budget},{cohort}",
            n % 500
        )
        .expect("write");
    }
    let import = client.import(&json!({"filename": "people.csv"}), file.as_bytes());
    assert_eq!(import["rows"]["created"], count, "{import}");
    let suppressed = json!({"suppressions": [{"email": "gone@example.com", "source": "test"}]});
    assert_eq!(client.post("/api/v1/suppressions", &suppressed).status, 200);
    assert_eq!(client.post("/api/v1/lists", &json!({"name": "New", "query": "cohort:new"})).status, 201);
    assert_eq!(client.post("/api/v1/lists", &json!({"name": "All", "query": "has:email"})).status, 201);
    let counted = json!({"query": "has:email"});
    until(|| (client.post("/api/v1/contacts/count", &counted).json["count"] == count).then_some(()));
    let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
    let page = client.get("/api/v1/lists/All/contacts?status=any").json;
    let walk = page["next_cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(client.post("/api/v1/lists", &json!({"name": "Static", "type": "static"})).status, 201);
    let change = json!({"add": ["person-7@example.com"], "background": true});
    let job = id(&client.post("/api/v1/lists/Static/contacts", &change).json);
    Ids { import: id(&import), field: id(&client.get("/api/v1/fields").json["items"][0]), walk, job }
}

/// Calls each read three times, and gives what the cheaper of the last two took: who calls and which
/// fields there are is cached for a minute, and of many requests one takes the quota of the next ones.
async fn measured(
    store: DynamoStore,
    tenant: &model::Tenant,
    ids: &Ids,
) -> BTreeMap<String, (f64, Option<&'static str>)> {
    let store = store.metered();
    let app = App::new(store.clone(), Clock::default());
    let plane = Product::get().process.as_ref().expect("it runs here").data_plane();
    let imports = imports::Deps { app: app.clone(), objects: plane.objects() };
    let queue = store::SqsBackground { ranges: plane.ranges(), refolds: plane.refolds() };
    let settings = settings::Deps { app: app.clone(), queue, fields_known_after: Duration::ZERO };
    let events = events::Deps { app: app.clone(), bus: plane.bus() };
    let router = contacts::routes(&app)
        .merge(events::routes(&events))
        .merge(imports::routes(&imports))
        .merge(lists::routes(&app))
        .merge(search::routes(&app))
        .merge(settings::routes(&settings, None))
        .into_router(&app);
    let caller = Caller::new(router, &store, tenant, &["*"]).await;
    let document: Value = serde_json::from_str(api::OPENAPI).expect("JSON");
    let mut units = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in ["get", "post"].into_iter().filter(|method| item.get(method).is_some()) {
            for read in reads_of(method, path, ids) {
                let mut least = f64::INFINITY;
                for turn in 0..3 {
                    let before = store.consumed();
                    let (method, body) = (read.method.clone(), read.body.clone());
                    let reply = match body {
                        None => caller.call(method, &read.path).await,
                        Some(body) => caller.json(method, &read.path, body).await,
                    };
                    assert_eq!(reply.status, 200, "{}: {}", read.name(), reply.json);
                    let used = store.consumed();
                    let written = used.write_units - before.write_units;
                    // A write unit is five times as dear.
                    let sum = used.read_units - before.read_units + 5.0 * written;
                    if turn > 0 {
                        least = least.min(sum);
                    }
                }
                units.insert(
                    read.name()
                        .replace(&ids.import, "{id}")
                        .replace(&ids.field, "{id}")
                        .replace(&ids.walk, "{walk}")
                        .replace(&ids.job, "{job}"),
                    (least, read.grows),
                );
            }
        }
    }
    units
}

#[test]
fn every_read_costs_a_tenant_of_20_000_what_it_costs_one_of_1_000() {
    if is_elsewhere("the tables") {
        return;
    }
    let product = Product::get();
    let store = product.process.as_ref().expect("it runs here").data_plane().store();
    let [small, large] = SIZES.map(|count| {
        let (slug, client) = product.tenant();
        let ids = load(&client, count);
        product.block_on(async {
            let slug = model::TenantSlug::parse(&slug).expect("a slug");
            let tenant = store.tenant_by_slug(&slug).await.expect("read").expect("a tenant");
            measured(store.clone(), &tenant, &ids).await
        })
    });
    let mut told = format!(
        "{:>8} {:>8}  ratio  read (of {} and of {} contacts)\n",
        "units", "units", SIZES[0], SIZES[1]
    );
    let mut over = Vec::new();
    for (name, (small, reason)) in &small {
        let (large, _) = large[name];
        // What takes nothing at all has no ratio.
        let ratio = if large == *small { 1.0 } else { large / small.max(0.5) };
        let reason =
            reason.map(|reason| GROWS.iter().find(|(known, _)| *known == reason).expect("a reason").1);
        writeln!(told, "{small:>8.1} {large:>8.1} {ratio:>6.2}  {name}  {}", reason.unwrap_or_default())
            .expect("write");
        if ratio > MAX_RATIO && reason.is_none() {
            over.push(name);
        }
    }
    std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes()).expect("stderr");
    assert!(over.is_empty(), "these grow with the tenant: {over:#?}\n{told}");
}
