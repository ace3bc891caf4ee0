//! What it costs and takes to count 200 segments at once, and whether each count is right.

use std::time::Instant;

use ::api::App;
use axum::Router;
use clap::Args;
use model::rule::{ListRef, Moment, Parsed, Rule, Subject, Zone, bind};
use model::{ListBook, Tenant, TenantSlug};
use serde_json::{Value, json};
use store::{
    Clock, ContactStore, DynamoStore, FieldStore, Freshness, ListStore, Metered as _, TenantStore, Traffic,
};

use crate::capacity::call_as;
use crate::product::KEY;
use crate::search::{imported, tables};
use crate::{BenchError, Common, Report, segments};

const SEGMENTS: usize = 200;
const CONTACTS_A_PAGE: usize = 1_000;

/// Counts segments of imported contacts.
#[derive(Debug, Args)]
pub struct ListsArgs {
    /// How many contacts there are.
    #[arg(long, default_value_t = 100_000)]
    contacts: u64,
    /// How often all segments are counted.
    #[arg(long, default_value_t = 15)]
    repeat: usize,
    /// Import nothing, and ask a product that runs already and has contacts: here its tables listen.
    #[arg(long, value_name = "PORT")]
    tables_port: Option<u16>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Imports contacts, makes the segments and counts them.
///
/// # Errors
/// When the product fails, or a count is not that of the contacts themselves.
pub fn run(args: &ListsArgs) -> Result<Report, BenchError> {
    let mut report = Report::default();
    let runtime = tokio::runtime::Runtime::new().map_err(BenchError::system("cannot start a runtime"))?;
    if let Some(port) = args.tables_port {
        runtime.block_on(measure(args, port, &mut report))?;
        return Ok(report);
    }
    let imported = imported(args.contacts, args.common.binary.as_deref(), &mut report)?;
    runtime.block_on(measure(args, imported.port, &mut report))?;
    segments::freshness(&imported.product.client(), &mut report)?;
    report.add("peak memory of the process", imported.product.peak_memory_mib()?, "MiB");
    Ok(report)
}

async fn measure(args: &ListsArgs, port: u16, report: &mut Report) -> Result<(), BenchError> {
    let store = tables(port);
    let listed = count_all(&store, &Traffic::default(), args.repeat, report).await?;
    let began = Instant::now();
    let tenant = demo(&store).await?;
    let counted = by_looking(&store, &tenant).await?;
    report.add("200 segments, by looking at each contact", began.elapsed().as_secs_f64() * 1e3, "ms");
    let items = listed["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let told: Vec<Option<u64>> = items.iter().map(|list| list["count"].as_u64()).collect();
    let expected: Vec<Option<u64>> = counted.into_iter().map(Some).collect();
    if told.len() != SEGMENTS || told != expected {
        let wrong = told.iter().zip(&expected).position(|(told, expected)| told != expected);
        return Err(BenchError::Wrong(format!("segment {wrong:?} is counted {told:?}, and is {expected:?}")));
    }
    let members: u64 = told.iter().flatten().sum();
    report.add("200 segments: members in all", members as f64, "contacts");
    segments::ticks(&store, &tenant, report).await
}

/// Makes the segments, and tells what it costs and takes to count all of them.
pub(crate) async fn count_all(
    store: &DynamoStore,
    traffic: &Traffic,
    repeat: usize,
    report: &mut Report,
) -> Result<Value, BenchError> {
    let app = App::new(store.clone(), Clock::default());
    let router = lists::routes(&app).into_router(&app);
    for (number, query) in queries().into_iter().enumerate() {
        let body = json!({"name": format!("Segment {number}"), "query": query});
        ask(&router, "POST", "/lists", Some(body)).await?;
    }
    // Who calls, and which fields and lists there are, is known from here on.
    ask(&router, "GET", "/lists", None).await?;
    let (before, (_, bytes)) = (store.consumed().read_units, traffic.so_far());
    let listed = ask(&router, "GET", "/lists", None).await?;
    report.add("200 segments: read units", store.consumed().read_units - before, "units");
    report.add("200 segments: bytes", (traffic.so_far().1 - bytes) as f64, "bytes");
    let mut times = Vec::with_capacity(repeat);
    for _ in 0..repeat {
        let began = Instant::now();
        ask(&router, "GET", "/lists", None).await?;
        times.push(began.elapsed());
    }
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    report.add("200 segments: p50", median.as_secs_f64() * 1e3, "ms");
    Ok(listed)
}

/// Gives rules as people make them: of one and of several conditions, of moments and of other
/// segments.
fn queries() -> Vec<String> {
    let industries =
        ["Manufacturing", "Healthcare", "Retail", "Finance", "Education", "Energy", "Logistics", "Software"];
    let countries = ["United States", "Germany", "United Kingdom", "France", "India", "Spain"];
    let titles = ["Buyer", "Analyst", "Sales Manager", "Software Engineer", "Marketing Director"];
    (0..SEGMENTS)
        .map(|n| {
            let (industry, country) = (industries[n % industries.len()], countries[n % countries.len()]);
            let title = titles[n % titles.len()];
            let budget = 1_000 * (n + 1);
            match n % 8 {
                0 => format!("industry:{industry} AND country:\"{country}\""),
                1 => format!("budget:>{budget} AND NOT status:unsubscribed"),
                2 => format!("job_title:\"{title}\" OR industry:{industry}"),
                3 => format!("created_at:<{}d AND vip_status:true", n + 1),
                4 => format!("subscription_date:202{}-01-01..202{}-06-30", n % 5, n % 5),
                5 => format!("score:>{n} OR (has:phone AND country:\"{country}\" AND budget:<{budget})"),
                6 => format!("segment:\"Segment {}\" AND NOT segment:\"Segment {}\"", n - 6, n - 5),
                _ => format!("last_opened_at:<30d OR company:\"Acme {n}\" OR mar"),
            }
        })
        .collect()
}

async fn demo(store: &DynamoStore) -> Result<Tenant, BenchError> {
    let demo = TenantSlug::from_name("demo").ok_or_else(|| BenchError::Wrong("no name".to_owned()))?;
    let tenant = store.tenant_by_slug(&demo).await;
    let tenant = tenant.map_err(|error| BenchError::Wrong(error.to_string()))?;
    tenant.ok_or_else(|| BenchError::Wrong("there is no demo tenant".to_owned()))
}

/// Counts by the meaning of rules alone, without the index.
async fn by_looking(store: &DynamoStore, tenant: &Tenant) -> Result<Vec<u64>, BenchError> {
    let failed = |error: store::StoreError| BenchError::Wrong(error.to_string());
    let book: std::sync::Arc<ListBook> = store.lists(tenant, Freshness::Strong).await.map_err(failed)?;
    let fields = store.fields(tenant, Freshness::Strong).await.map_err(failed)?;
    let moment = Moment::new(Clock::default().now(), Zone::utc());
    let mut rules = Vec::new();
    for list in book.iter() {
        let Some(name) = ListRef::new(list.id.to_string()) else { continue };
        let parsed = Parsed { rule: Rule::Segment(name), places: Vec::new() };
        let bound = bind(&parsed, &fields, book.as_ref(), &moment);
        rules.push(bound.map_err(|errors| BenchError::Wrong(format!("{}: {errors:?}", list.name)))?.0);
    }
    let mut counts = vec![0; rules.len()];
    let mut below = None;
    loop {
        let page = store.page(tenant, below, CONTACTS_A_PAGE).await.map_err(failed)?;
        for contact in &page.contacts {
            for (count, rule) in counts.iter_mut().zip(&rules) {
                *count += u64::from(rule.matches(Subject::of(contact)));
            }
        }
        below = page.next_below;
        if below.is_none() {
            return Ok(counts);
        }
    }
}

async fn ask(router: &Router, method: &str, path: &str, body: Option<Value>) -> Result<Value, BenchError> {
    call_as(router, KEY, (method, path.to_owned(), body)).await
}
