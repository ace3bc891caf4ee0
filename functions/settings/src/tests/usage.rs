use chrono::Utc;
use model::{Email, Profile, Status};
use store::{Consumed, ContactStore, NewContact, UsageKind, UsageParts, UsageRecord, UsageStore, Write};

use super::*;

async fn create(world: &World, email: &str) {
    let profile = Profile::new(Email::parse(email).unwrap(), email, Status::Active);
    let new = NewContact::of(profile);
    let write = vec![Write::Create(Box::new(new))];
    world.store.write(&world.tenant, write, Utc::now()).await.unwrap().pop().unwrap().unwrap();
}

#[tokio::test]
async fn usage_tells_what_a_tenant_has_and_did_by_the_day() {
    let world = World::new().await;
    create(&world, "a@example.com").await;
    create(&world, "b@example.com").await;
    let today = Utc::now().date_naive();
    for _ in 0..3 {
        let record = UsageRecord {
            kind: UsageKind::ImportedRows,
            id: "import-1".into(),
            amount: 120,
            parts: UsageParts::default(),
            consumed: Consumed { write_units: 240.0, read_units: 60.0 },
            at: Utc::now(),
        };
        world.store.record_usage(world.tenant.id, today, &record).await.unwrap();
    }
    let used = world.get("/usage").await;
    assert_eq!((used.status, &used.json["contacts_held"]["count"]), (200, &json!(2)), "{}", used.json);
    let day = json!({
        "day": today, "contacts_held": 2, "imports": 0, "imported_rows": 120, "exports": 0, "events": 0,
        "searches": 0, "consumed": {"write_units": 240.0, "read_units": 60.0},
    });
    assert_eq!(used.json["days"], json!([day]));
    // Counted again only after an hour: it reads all of them.
    create(&world, "c@example.com").await;
    assert_eq!(world.get("/usage").await.json["contacts_held"], used.json["contacts_held"]);
    let other = World::on(world.store.clone()).await;
    assert_eq!(other.get("/usage").await.json["contacts_held"]["count"], 0);
}

#[tokio::test]
async fn days_that_cannot_be_are_refused() {
    let world = World::new().await;
    for query in ["from=2026-02-02&to=2026-02-01", "from=2020-01-01&to=2026-01-01", "from=x", "day=1"] {
        assert_eq!(world.get(&format!("/usage?{query}")).await.status, 400, "{query}");
    }
    let early = world.get("/usage?from=2020-01-01&to=2020-01-31").await;
    assert_eq!((early.status, &early.json["days"]), (200, &json!([])));
}
