use api::App;
use api::testing::{Client, Reply};
use axum::http::Method;
use model::import::{Column, OnBlank, PlannedColumn, Target};
use model::rule::Rule;
use model::{List, ListId, ListName, Overwrite, Tenant};
use serde_json::{Value, json};
use store::testing::{MemoryObjects, MemoryStore, stored_tenant};
use store::{
    Checkpoint, Clock, Consumed, Freshness, Job, JobStatus, JobStore, ListChange, ListStore, Range, RowCounts,
};
use uuid::Uuid;

use crate::Deps;

struct Setup {
    store: MemoryStore,
    tenant: Tenant,
    client: Client,
}

async fn setup() -> Setup {
    let store = MemoryStore::default();
    let tenant = stored_tenant(&store).await;
    let app = App::new(store.clone(), Clock::default());
    let deps = Deps { app: app.clone(), objects: MemoryObjects::default() };
    let router = crate::routes(&deps).into_router(&app);
    let client = Client::new(router, &store, &tenant, &["*"]).await;
    Setup { store, tenant, client }
}

async fn post(client: &Client, body: Value) -> Reply {
    client.json(Method::POST, "/api/v1/imports", body).await
}

#[tokio::test]
async fn a_new_import_says_where_its_file_goes() {
    let Setup { store, tenant, client } = setup().await;
    let options = json!({
        "filename": "leads.csv", "mode": "update_only", "on_blank": "clear", "overwrite": "if_empty",
        "mapping": {"E-mail": "email", "Notes": null, "City": {"field": "town", "overwrite": "never"}},
        "status_if_new": "pending", "tags": ["fair"], "lists": [], "dry_run": false, "consent": null,
    });
    let created = post(&client, options).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let id = created.json["id"].as_str().unwrap();
    assert_eq!(created.header("location"), format!("/api/v1/imports/{id}"));
    assert_eq!(created.json["status"], "awaiting_upload");
    let upload = json!({"method": "PUT", "url": format!("memory:uploads/{}/{id}", tenant.id), "headers": {}});
    assert_eq!(created.json["upload"], upload);
    let read = client.call(Method::GET, &format!("/api/v1/imports/{id}")).await;
    assert_eq!(read.json, created.json);
    let job = store.job(tenant.id, id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(job.options.mode, model::Mode::UpdateOnly);
    assert_eq!(job.options.mapping.len(), 3);
}

#[tokio::test]
async fn every_fault_of_the_options_is_told_with_its_pointer() {
    let Setup { client, .. } = setup().await;
    let refused = post(
        &client,
        json!({
            "filename": "", "mode": "replace", "mapping": {"A": "id", "B": 5, "C": {"feild": "x"}, "D": "score"},
            "lists": "VIP", "dry_run": true, "tags": ["a", ""], "consent": {"source": "x"}, "on_blank": "drop", "foo": 1,
        }),
    )
    .await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_request"));
    let errors = refused.json["errors"].as_array().unwrap();
    let mut pointers: Vec<&str> = errors.iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    let expected = [
        "/consent",
        "/dry_run",
        "/filename",
        "/foo",
        "/lists",
        "/mapping/A",
        "/mapping/B",
        "/mapping/C",
        "/mapping/D",
        "/mode",
        "/on_blank",
        "/tags/1",
    ];
    assert_eq!(pointers, expected);
}

#[tokio::test]
async fn an_import_names_static_lists_by_id_and_by_name() {
    let Setup { store, tenant, client } = setup().await;
    let mut names = vec!["VIP", "Hot"];
    while let Some(name) = names.pop() {
        let book = store.lists(&tenant, Freshness::Strong).await.unwrap();
        let list = List {
            id: ListId(Uuid::new_v4()),
            number: book.next_number(),
            name: ListName::parse(name).unwrap(),
            rule: (name == "Hot").then(|| Rule::parse("score:>50").unwrap().rule),
            events: false,
            created_at: chrono::Utc::now(),
            updated_at: chrono::Utc::now(),
        };
        assert!(store.change_lists(&tenant, &book, ListChange::Insert(list)).await.unwrap());
    }
    let book = store.lists(&tenant, Freshness::Strong).await.unwrap();
    let vip = book.named(&ListName::parse("VIP").unwrap()).unwrap();
    for lists in [json!(["vip"]), json!([vip.id, "VIP"])] {
        let created = post(&client, json!({"lists": lists})).await;
        let id = created.json["id"].as_str().unwrap();
        let job = store.job(tenant.id, id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(job.options.lists, [vip.number].into());
    }
    let refused = post(&client, json!({"lists": ["VIP", "Hot", "None"]})).await;
    let errors = refused.json["errors"].as_array().unwrap();
    let pointers: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(
        (refused.status, refused.code(), pointers),
        (422, "unknown_list", vec!["/lists/1", "/lists/2"])
    );
}

#[tokio::test]
async fn a_running_import_shows_the_sum_of_its_ranges() {
    let Setup { store, tenant, client } = setup().await;
    let mut job = Job::new(Uuid::now_v7(), tenant.id, "a.csv".into(), Default::default(), chrono::Utc::now());
    job.status = JobStatus::Importing;
    job.rows_total = Some(1_000);
    job.consumed = Consumed { write_units: 1.0, read_units: 0.5 };
    store.create_job(&job).await.unwrap();
    for number in 0..2 {
        let rows = RowCounts { created: 100, invalid: 50, ..RowCounts::default() };
        let consumed = Consumed { write_units: 200.0, read_units: 100.0 };
        let checkpoint = Checkpoint { rows, consumed, warnings: 7, ..Checkpoint::default() };
        let range = Range { tenant: tenant.id, job: job.id, number, end_offset: 9, checkpoint };
        store.create_range(&range).await.unwrap();
    }
    let shown = client.call(Method::GET, &format!("/api/v1/imports/{}", job.id)).await.json;
    assert_eq!((&shown["progress"], &shown["rows"]["created"]), (&json!(0.3), &json!(200)));
    assert_eq!(shown["consumed"], json!({"write_units": 401.0, "read_units": 200.5}));
    assert_eq!((&shown["errors_url"], &shown["warnings_url"]), (&Value::Null, &Value::Null));
    assert_eq!(shown["warnings"], 14);
}

#[tokio::test]
async fn a_finished_import_links_its_reports_and_says_how_each_attribute_was_read() {
    let Setup { store, tenant, client } = setup().await;
    let mut job =
        Job::new(Uuid::now_v7(), tenant.id, "my leads.csv".into(), Default::default(), chrono::Utc::now());
    job.status = JobStatus::Done;
    job.has_errors = true;
    job.warnings = 3;
    let column = |name: &str, field: Option<&str>, id: Option<&str>| {
        let field = field.map(|field| Target::parse(field).unwrap());
        let (on_blank, overwrite) = (OnBlank::Keep, Overwrite::Always);
        let column = Column { name: name.into(), field, on_blank, overwrite, others: None };
        PlannedColumn { column, id: id.map(|id| id.parse().unwrap()) }
    };
    job.columns = vec![
        // The field is the one of its further addresses.
        column("E-mail", Some("email"), Some("t1")),
        column("Budget", Some("budget"), Some("n2")),
        column("Since", Some("since"), Some("d3")),
        column("VIP", Some("vip"), Some("b4")),
        column("Blank", Some("blank"), None),
        column("Notes", None, None),
    ];
    store.create_job(&job).await.unwrap();
    let shown = client.call(Method::GET, &format!("/api/v1/imports/{}", job.id)).await.json;
    let columns = json!([
        {"name": "E-mail", "field": "email", "type": null},
        {"name": "Budget", "field": "attributes.budget", "type": "number"},
        {"name": "Since", "field": "attributes.since", "type": "date"},
        {"name": "VIP", "field": "attributes.vip", "type": "boolean"},
        {"name": "Blank", "field": "attributes.blank", "type": null},
        {"name": "Notes", "field": null, "type": null},
    ]);
    assert_eq!((&shown["columns"], &shown["warnings"]), (&columns, &json!(3)));
    for report in ["errors", "warnings"] {
        let url = shown[format!("{report}_url")].as_str().unwrap();
        assert!(url.contains(&job.object_key(&format!("{report}.csv"))), "{url}");
    }
}

#[tokio::test]
async fn imports_are_listed_page_by_page() {
    let Setup { client, .. } = setup().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, post(&client, json!({})).await.json["id"].clone());
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/imports?limit=2".to_owned();
    loop {
        let page = client.call(Method::GET, &path).await.json;
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/imports?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
    assert_eq!(client.call(Method::GET, "/api/v1/imports?limit=101").await.code(), "invalid_limit");
    assert_eq!(client.call(Method::GET, "/api/v1/imports/x").await.code(), "import_not_found");
}
