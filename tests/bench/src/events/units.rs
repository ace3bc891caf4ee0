//! What events cost, whatever the machine, and how many a second one scoring function records: on a
//! data plane of its own, without the deliveries, which this here does itself.

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use ::api::App;
use chrono::{TimeDelta, Utc};
use local::engine::{StreamLog, StreamRecord};
use local::{Data, DataPlane, Ports};
use model::scoring::{Decay, Published, ScoringRules};
use model::{Email, Generations, Profile, Settings, Status, Tenant, TenantId, TenantSecret, TenantSlug};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use store::{
    ApiKey, Clock, ContactStore as _, DynamoStore, EventBridge, KeyHash, Metered as _, NewContact,
    RulesStore as _, TenantStore as _, Write,
};

use crate::capacity::call_as;
use crate::{BenchError, Report};

const BATCHES: [usize; 4] = [1, 10, 100, 1_000];
/// Of single ones fewer: they are slow.
const SINGLE: usize = 300;
const CONTACTS_A_WRITE: usize = 1_000;
const HOT_EVENTS: usize = 10_000;
const DECAYING: usize = 1_000;
const CREATES: usize = 16;

/// Is a tenant with its contacts, and both functions that events go through.
struct Ground {
    store: DynamoStore,
    tenant: Tenant,
    scoring: scoring::Deps<DynamoStore>,
    index_store: DynamoStore,
    indexer: indexer::Deps<DynamoStore, EventBridge>,
    log: StreamLog,
    position: i64,
    sent: usize,
}

/// Measures batches of several sizes, and one contact with many events.
///
/// # Errors
/// When the data plane fails, or an event is not recorded.
pub async fn measure(contacts: usize, report: &mut Report) -> Result<(), BenchError> {
    let plane = DataPlane::start(&Data::Memory, Ports::default())
        .await
        .map_err(|error| BenchError::NotReady(error.to_string()))?;
    let mut ground = Ground::new(&plane, "Bench", contacts).await?;
    report.add("contacts that events are of", contacts as f64, "contacts");
    for size in BATCHES {
        let events = if size == 1 { SINGLE } else { size.max(1_000) };
        let (mut took, mut writes) = (Duration::ZERO, 0.0);
        let indexed = ground.index_store.consumed().write_units;
        for _ in 0..events / size {
            let batch: Vec<Value> =
                (0..size).map(|n| ground.event(ground.somebody(n, contacts), 0)).collect();
            let before = ground.store.consumed().write_units;
            took += ground.record(&batch).await?;
            writes += ground.store.consumed().write_units - before;
            ground.index(size).await?;
        }
        let events = events as f64;
        let indexed = ground.index_store.consumed().write_units - indexed;
        report.add(format!("in batches of {size}: events a second"), events / took.as_secs_f64(), "events/s");
        report.add(format!("in batches of {size}: write units an event"), writes / events, "units");
        report.add(format!("in batches of {size}: index units an event"), indexed / events, "units");
    }
    ground.creates(report).await?;
    ground.hot(report).await?;
    decay(&plane, report).await?;
    plane.stop().await;
    Ok(())
}

/// Has every contact of a tenant lose the points of one event by a step of decay.
async fn decay(plane: &DataPlane, report: &mut Report) -> Result<(), BenchError> {
    let mut ground = Ground::new(plane, "Decay", DECAYING).await?;
    let decay = Some(Decay::ExpireAfterDays(NonZeroU16::MIN));
    let rules = ScoringRules { decay, version: 1, ..ScoringRules::default() };
    let published = Published { revision: 1, version: 1, tiers: rules.tiers };
    ground.store.publish_rules(&ground.tenant, published, &rules).await.map_err(failed)?;
    let expires_soon = TimeDelta::hours(2) - TimeDelta::days(1);
    let events: Vec<Value> =
        (0..DECAYING).map(|contact| ground.event(contact, expires_soon.num_milliseconds())).collect();
    ground.record(&events).await?;
    ground.index(1_000).await?;
    let clock =
        scoring::Deps::new(ground.store.clone(), Clock::starting_at(Utc::now() + TimeDelta::hours(3)));
    let (before, indexed) = (ground.store.consumed(), ground.index_store.consumed().write_units);
    let began = Instant::now();
    let next = scoring::take_steps(&clock, ground.tenant.id).await;
    let took = began.elapsed();
    next.map_err(|error| BenchError::Wrong(error.to_string()))?;
    let used = ground.store.consumed();
    ground.index(1_000).await?;
    let indexed = ground.index_store.consumed().write_units - indexed;
    let steps = DECAYING as f64;
    report.add("steps of decay a second", steps / took.as_secs_f64(), "steps/s");
    report.add("a step of decay: write units", (used.write_units - before.write_units) / steps, "units");
    report.add("a step of decay: read units", (used.read_units - before.read_units) / steps, "units");
    report.add("a step of decay, of many: index units", indexed / steps, "units");
    Ok(())
}

impl Ground {
    async fn new(plane: &DataPlane, name: &str, contacts: usize) -> Result<Self, BenchError> {
        let (store, index_store) = (plane.store().metered(), plane.store().metered());
        let slug = TenantSlug::from_name(name).ok_or_else(|| BenchError::Wrong("no slug".to_owned()))?;
        let tenant = Tenant {
            id: TenantId(uuid::Uuid::new_v4()),
            slug,
            name: name.to_owned(),
            secret: TenantSecret::new([7; 32]),
            settings: Settings::default(),
            scoring: Published::default(),
            generations: Generations::default(),
        };
        let key = ApiKey::new(tenant.id, "bench", [store::EVERYTHING], Utc::now());
        store.create_tenant(&tenant, KeyHash::of(name), &key).await.map_err(failed)?;
        let numbers: Vec<usize> = (0..contacts).collect();
        for some in numbers.chunks(CONTACTS_A_WRITE) {
            let writes = some.iter().map(|number| create(&email(*number))).collect::<Result<_, _>>()?;
            for written in store.write(&tenant, writes, Utc::now()).await.map_err(failed)? {
                written.map_err(failed)?;
            }
        }
        let log = plane.contact_changes().map_err(|error| BenchError::NotReady(error.to_string()))?;
        let mut ground = Self {
            scoring: scoring::Deps::new(store.clone(), Clock::default()),
            indexer: indexer::Deps::new(index_store.clone(), plane.bus(), Clock::default()),
            store,
            index_store,
            tenant,
            log,
            position: 0,
            sent: 0,
        };
        ground.index(1_000).await?;
        Ok(ground)
    }

    /// Gives the number of a contact; those of a batch lie all over the tenant.
    fn somebody(&self, n: usize, contacts: usize) -> usize {
        (self.sent + n) * 7_919 % contacts.max(1)
    }

    fn event(&self, contact: usize, millis: i64) -> Value {
        let id = uuid::Uuid::new_v4().to_string();
        let detail = json!({
            "id": id, "type": "email.opened", "contact": { "email": email(contact) },
            "occurred_at": Utc::now() + TimeDelta::milliseconds(millis),
            "properties": { "campaign": "spring-sale-2026" }, "machine": false, "tenant_id": self.tenant.id,
        });
        let body = json!({ "source": "leads.engagement", "detail-type": "email.opened", "detail": detail });
        json!({ "messageId": id, "eventSource": "aws:sqs", "body": body.to_string() })
    }

    async fn record(&mut self, batch: &[Value]) -> Result<Duration, BenchError> {
        self.sent += batch.len();
        let began = Instant::now();
        let answer = scoring::handle(&self.scoring, &event_of(batch)?).await;
        let answer = answer.map_err(|error| BenchError::Wrong(error.to_string()))?;
        if answer["batchItemFailures"].as_array().is_some_and(|failures| !failures.is_empty()) {
            return Err(BenchError::Wrong(format!("not every event was recorded: {answer}")));
        }
        Ok(began.elapsed())
    }

    /// Hands what changed to the indexer, so many changes at a time.
    async fn index(&mut self, size: usize) -> Result<(), BenchError> {
        loop {
            let records =
                self.log.after(self.position, size).map_err(|e| BenchError::Wrong(e.to_string()))?;
            let Some(last) = records.last() else { return Ok(()) };
            self.position = last.position;
            let records: Vec<Value> = records.iter().map(change).collect();
            let answer = indexer::handle(&self.indexer, &event_of(&records)?).await;
            answer.map_err(|error| BenchError::Wrong(error.to_string()))?;
        }
    }

    /// Creates contacts with 12 fields each, one by one, each in a batch of the stream by itself.
    async fn creates(&mut self, report: &mut Report) -> Result<(), BenchError> {
        let app = App::new(self.store.clone(), Clock::default());
        let router = contacts::routes(&app).into_router(&app);
        let mut indexed = self.index_store.consumed().write_units;
        for number in 0..=CREATES {
            let body = json!({
                "email": format!("new.{number}@example.com"), "first_name": "Aisha", "last_name": "Okafor",
                "company": format!("Globex {number}"), "job_title": "Software Engineer",
                "phone": format!("+14155550{:03}", number + 100),
                "attributes": { "country": "Germany", "industry": "Software", "budget": 500 * number,
                    "subscription_date": "2025-03-01", "vip_status": true, "city": "Bonn" },
            });
            call_as(&router, &self.tenant.name, ("POST", "/contacts".to_owned(), Some(body))).await?;
            self.index(1).await?;
            if number == 0 {
                // It made the fields, and the items of values that nobody had before.
                let first = self.index_store.consumed().write_units;
                report.add("first create of 12 fields: index units", first - indexed, "units");
                indexed = first;
            }
        }
        let indexed = self.index_store.consumed().write_units - indexed;
        report.add("create of 12 fields: index units", indexed / CREATES as f64, "units");
        Ok(())
    }

    /// Gives one contact very many events, and then one that comes late.
    async fn hot(&mut self, report: &mut Report) -> Result<(), BenchError> {
        let mut took = Duration::ZERO;
        for batch in 0..HOT_EVENTS / 1_000 {
            let events: Vec<Value> = (0..1_000).map(|n| self.event(0, (batch * 1_000 + n) as i64)).collect();
            took += self.record(&events).await?;
        }
        let events = HOT_EVENTS as f64;
        report.add("a contact with 10,000 events: events a second", events / took.as_secs_f64(), "events/s");
        for (name, millis) in [("one more", 60_000), ("one that comes late", -60_000)] {
            let event = self.event(0, millis);
            let before = self.store.consumed();
            let took = self.record(&[event]).await?;
            let used = self.store.consumed();
            report.add(format!("{name} takes"), took.as_secs_f64() * 1e3, "ms");
            report.add(format!("{name}: read units"), used.read_units - before.read_units, "units");
            report.add(format!("{name}: write units"), used.write_units - before.write_units, "units");
        }
        Ok(())
    }
}

fn email(number: usize) -> String {
    format!("jane.doe.{number}@example.com")
}

fn event_of(records: &[Value]) -> Result<Box<RawValue>, BenchError> {
    to_raw_value(&json!({ "Records": records })).map_err(|error| BenchError::Wrong(error.to_string()))
}

fn create(email: &str) -> Result<Write, BenchError> {
    let parsed = Email::parse(email).map_err(|invalid| BenchError::Wrong(invalid.detail.into_owned()))?;
    let profile = Profile {
        first_name: Some("Jane".to_owned()),
        last_name: Some("Doe".to_owned()),
        company: Some("Northwind Traders".to_owned()),
        ..Profile::new(parsed, email, Status::Active)
    };
    let new = NewContact::of(profile);
    Ok(Write::Create(Box::new(new)))
}

fn change(record: &StreamRecord) -> Value {
    let item = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let mut change = json!({ "Keys": item(&record.keys), "SequenceNumber": record.sequence_number });
    for (name, image) in [("NewImage", &record.new_image), ("OldImage", &record.old_image)] {
        if let Some(image) = image {
            change[name] = item(image);
        }
    }
    json!({ "eventName": record.event_name, "eventSource": "aws:dynamodb", "dynamodb": change })
}

fn failed(error: store::StoreError) -> BenchError {
    BenchError::Wrong(error.to_string())
}
