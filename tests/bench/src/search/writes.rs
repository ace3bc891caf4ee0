//! What the index costs an import, and an audit of it: done once more here, where it can be counted.

use std::time::Instant;

use ::api::App;
use ::index::{Block, Generation, IndexedFields, Writer};
use model::{Tenant, TenantSlug};
use serde_json::json;
use store::{
    Clock, ContactFacts, ContactStore as _, DynamoStore, Metered as _, TenantStore as _, index_generation,
};

use crate::capacity::call_as;
use crate::product::{KEY, peak_memory_mib};
use crate::{BenchError, Report};

/// Audits one container, and builds all of the index beside the one that there is.
pub(super) async fn measure(store: &DynamoStore, report: &mut Report) -> Result<(), BenchError> {
    let app = App::new(store.clone(), Clock::default());
    let router = search::routes(&app).into_router(&app);
    let (began, memory) = (Instant::now(), peak_memory_mib("self")?);
    let body = json!({ "from": 0, "settle_s": 0 });
    let audit = call_as(&router, KEY, ("POST", "/index/audit".to_owned(), Some(body))).await?;
    let took = began.elapsed();
    if audit["left"] != 0 {
        return Err(BenchError::Wrong(format!("the audit found {} differences", audit["left"])));
    }
    let number = |name: &str| audit[name].as_f64().unwrap_or_default();
    report.add("audit of a container: contacts", number("contacts"), "contacts");
    report.add("audit of a container: items", number("items"), "items");
    report.add("audit of a container takes", took.as_secs_f64(), "s");
    report.add("audit of a container: memory more than before", peak_memory_mib("self")? - memory, "MiB");

    let failed = |error: store::StoreError| BenchError::Wrong(error.to_string());
    let demo = TenantSlug::from_name("demo").ok_or_else(|| BenchError::Wrong("no name".to_owned()))?;
    let tenant: Option<Tenant> = store.tenant_by_slug(&demo).await.map_err(failed)?;
    let tenant = tenant.ok_or_else(|| BenchError::Wrong("there is no demo tenant".to_owned()))?;
    let next = store.ordinals(&tenant).await.map_err(failed)?.0;
    let beside = Generation { number: u8::MAX, ..index_generation(&tenant) };
    let facts = ContactFacts { store, tenant: &tenant };
    let writer = Writer::new(store, &facts, beside);
    let (began, before, mut contacts) = (Instant::now(), store.consumed(), 0);
    for block in Block::all(next) {
        let built = writer.build(block, &IndexedFields::of_contacts(), &[]).await;
        contacts += built.map_err(|error| BenchError::Wrong(error.to_string()))?;
    }
    let used = store.consumed();
    let each = |after: f64, before: f64| (after - before) / contacts as f64;
    report.add("building by blocks: contacts", contacts as f64, "contacts");
    report.add("building by blocks takes", began.elapsed().as_secs_f64(), "s");
    let (writes, reads) =
        (each(used.write_units, before.write_units), each(used.read_units, before.read_units));
    report.add("building by blocks: index units a contact", writes, "units");
    report.add("building by blocks: read units a contact", reads, "units");
    Ok(())
}
