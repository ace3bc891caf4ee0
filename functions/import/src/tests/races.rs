//! Somebody else writes at the same time.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use model::import::{ImportOptions, RowReader};
use model::{Consent, Contact, ContactId, Email, Ordinal, Profile, Standing, Status, Suppression, Tenant};
use serde_json::json;
use store::testing::MemoryStore;
use store::{
    ConsentEntry, Consistency, ContactPage, ContactStore, Job, ProfileUpdate, StoreError, SuppressionPage,
    SuppressionPlace, Write, Written,
};

use super::{World, counts, deliver, now, profile, rows, sqs_event};
use crate::ImportError;
use crate::apply::{Applier, FirstTry};
use crate::records::{Place, Records};
use crate::superseded::Superseded;

/// Lets somebody else write just before each write of the import, so many times.
struct Meddled<'a> {
    world: &'a World,
    times: Mutex<u32>,
}

impl Meddled<'_> {
    fn store(&self) -> &MemoryStore {
        &self.world.deps.store
    }

    async fn meddle(&self) {
        let left = {
            let mut times = self.times.lock().unwrap();
            *times = times.saturating_sub(1);
            *times
        };
        if left == 0 {
            return;
        }
        let job_title = Some(format!("title {left}"));
        match self.world.at("a@example.com").await {
            Standing::Held(before) => {
                let profile = Profile { job_title, ..before.profile.clone() };
                let update =
                    ProfileUpdate { before: *before, profile, replaces: None, consent: None, origin: None };
                let write = vec![Write::Update(Box::new(update))];
                self.store().write(&self.world.tenant, write, now()).await.unwrap();
            }
            _ => self.world.hold(Profile { job_title, ..profile("a@example.com") }).await,
        }
    }
}

impl ContactStore for Meddled<'_> {
    async fn standings(&self, tenant: &Tenant, emails: &[Email]) -> Result<Vec<Standing>, StoreError> {
        self.store().standings(tenant, emails).await
    }

    async fn by_id(&self, tenant: &Tenant, id: ContactId) -> Result<Option<Contact>, StoreError> {
        self.store().by_id(tenant, id).await
    }

    async fn by_ordinals(
        &self,
        tenant: &Tenant,
        ordinals: &[Ordinal],
        consistency: Consistency,
    ) -> Result<Vec<Contact>, StoreError> {
        self.store().by_ordinals(tenant, ordinals, consistency).await
    }

    async fn write(
        &self,
        tenant: &Tenant,
        writes: Vec<Write>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
        self.meddle().await;
        self.store().write(tenant, writes, now).await
    }

    async fn delete(
        &self,
        tenant: &Tenant,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        self.store().delete(tenant, contact, now).await
    }

    async fn erase(
        &self,
        tenant: &Tenant,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        self.store().erase(tenant, contact, now).await
    }

    async fn suppress(
        &self,
        tenant: &Tenant,
        email: &Email,
        suppression: &Suppression,
        replaces: Option<&Suppression>,
    ) -> Result<Option<Standing>, StoreError> {
        self.store().suppress(tenant, email, suppression, replaces).await
    }

    async fn reserve(&self, tenant: &Tenant, count: u32) -> Result<Ordinal, StoreError> {
        self.store().reserve(tenant, count).await
    }

    async fn suppressions(
        &self,
        tenant: &Tenant,
        after: Option<SuppressionPlace>,
        limit: usize,
    ) -> Result<SuppressionPage, StoreError> {
        self.store().suppressions(tenant, after, limit).await
    }

    async fn ordinals(&self, tenant: &Tenant) -> Result<Ordinal, StoreError> {
        self.store().ordinals(tenant).await
    }

    async fn each_address(
        &self,
        tenant: &Tenant,
        see: &mut (dyn FnMut(Ordinal, &Email) + Send),
    ) -> Result<(), StoreError> {
        self.store().each_address(tenant, see).await
    }

    async fn count(&self, tenant: &Tenant) -> Result<u64, StoreError> {
        self.store().count(tenant).await
    }

    async fn page(
        &self,
        tenant: &Tenant,
        below: Option<Ordinal>,
        limit: usize,
    ) -> Result<ContactPage, StoreError> {
        self.store().page(tenant, below, limit).await
    }

    async fn record_consent(
        &self,
        tenant: &Tenant,
        id: ContactId,
        consent: &Consent,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.store().record_consent(tenant, id, consent, now).await
    }

    async fn consents(&self, tenant: &Tenant, id: ContactId) -> Result<Vec<ConsentEntry>, StoreError> {
        self.store().consents(tenant, id).await
    }
}

const BOTH: [FirstTry; 2] = [FirstTry::Read, FirstTry::Create];

/// Applies two rows while somebody else changes the contact of the first so many times.
async fn apply_meddled(
    world: &World,
    times: u32,
    first_try: FirstTry,
) -> Result<store::RowCounts, ImportError> {
    let store = Meddled { world, times: Mutex::new(times + 1) };
    let job = Job::new(uuid::Uuid::now_v7(), world.tenant.id, "f".into(), ImportOptions::default(), now());
    let names = ["email".to_owned(), "company".to_owned()];
    let facts = vec![model::import::ColumnFacts::default(); 2];
    let columns = model::import::plan_columns(&names, &job.options, &facts).unwrap();
    let columns =
        columns.into_iter().map(|column| model::import::PlannedColumn { column, id: None }).collect();
    let reader = RowReader::new(columns, &job.options);
    let place = Place { offset: 0, row: 1, line: 2 };
    let records: Vec<_> = Records::new(&b"a@example.com,Acme\nb@example.com,Acme\n"[..], b',', place)
        .map(|record| record.unwrap())
        .collect();
    let superseded = Superseded::default();
    let (tenant, job, reader, superseded) = (&world.tenant, &job, &reader, &superseded);
    let applier =
        Applier { store: &store, tenant, job, reader: reader.clone(), superseded, first_try, reserved: None };
    applier.apply(&records, now()).await.map(|applied| applied.rows)
}

#[tokio::test]
async fn a_row_that_loses_its_race_is_decided_again_and_loses_nothing_of_the_other() {
    for first_try in BOTH {
        let world = World::new().await;
        assert_eq!(apply_meddled(&world, 3, first_try).await.unwrap(), rows(1, 1, 0, 0, 0));
        let a = &world.contacts().await["a@example.com"].profile;
        assert_eq!((a.company.as_deref(), a.job_title.as_deref()), (Some("Acme"), Some("title 1")));
    }
}

#[tokio::test]
async fn a_create_without_reading_leaves_an_unsubscribed_and_a_suppressed_address_as_they_are() {
    for first_try in BOTH {
        let world = World::new().await;
        for email in ["a@example.com", "b@example.com"] {
            world.hold(Profile { status: Status::Unsubscribed, ..profile(email) }).await;
        }
        let Standing::Held(gone) = world.at("b@example.com").await else { panic!("not held") };
        world.deps.store.delete(&world.tenant, &gone, now()).await.unwrap();
        assert_eq!(apply_meddled(&world, 0, first_try).await.unwrap(), rows(1, 1, 0, 0, 0));
        for contact in world.contacts().await.values() {
            let Profile { status, company, .. } = &contact.profile;
            assert_eq!((*status, company.as_deref()), (Status::Unsubscribed, Some("Acme")));
        }
    }
}

#[tokio::test]
async fn a_row_that_never_wins_ends_in_an_error_and_not_in_a_loop() {
    for first_try in BOTH {
        let world = World::new().await;
        let stormy = apply_meddled(&world, 1_000, first_try).await;
        assert!(matches!(stormy, Err(ImportError::Contended { .. })));
        assert_eq!(apply_meddled(&world, 0, first_try).await.unwrap(), rows(0, 1, 1, 0, 0));
    }
}

#[tokio::test]
async fn of_two_loaders_of_one_range_one_goes_on_and_every_row_counts_once() {
    let world = World::new().await;
    let job = world.job_for_upload(ImportOptions::default()).await;
    let text: String = (0..200).map(|number| format!("p{number}@example.com,{number}\n")).collect();
    let event = world.put(&Job::upload_key(job.tenant, job.id), format!("email,n\n{text}")).await;
    deliver(&world.deps, event).await.unwrap();
    let event = sqs_event(&world.deps.queue.take());
    for _ in 0..100 {
        let both = tokio::join!(deliver(&world.deps, event.clone()), deliver(&world.deps, event.clone()));
        let done = |answer: Result<serde_json::Value, ImportError>| {
            answer.unwrap() == json!({"batchItemFailures": []})
        };
        if done(both.0) & done(both.1) {
            break;
        }
    }
    assert_eq!(counts(&world.job(job.id).await), rows(200, 0, 0, 0, 0));
    assert!(world.contacts().await.values().all(|contact| contact.version == 1));
}
