//! Whole imports over the memory doubles, driven by the events that S3 and SQS send.

mod arrivals;
mod columns;
mod crashes;
mod exporters;
mod files;
mod ground;
mod indexing;
mod layouts;
mod opt_outs;
mod races;
mod records;
mod reports;
mod rows;
mod shares;
mod tables;
mod warnings;

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use model::import::ImportOptions;
use model::{Contact, Email, Profile, Standing, Status, Tenant};
use serde_json::{Value, json};
use store::testing::{MemoryBus, MemoryObjects, MemoryQueue, MemoryStore, tenant};
use store::{
    ApiKey, Clock, ContactStore, Job, JobStatus, JobStore, KeyHash, NewContact, ObjectStore, RangeMessage,
    RowCounts, TenantStore, Write,
};
use uuid::Uuid;

use crate::event::handle_at;
use crate::{Deps, ImportError, Pace};

type MemoryDeps = Deps<MemoryStore, MemoryObjects, MemoryQueue, MemoryBus>;

/// Small enough that a file of a hundred rows has several reads and checkpoints.
const PACE: Pace = Pace { rows_a_read: 8, rows_a_checkpoint: 24, min_indexed: 30 };

/// Is one tenant with everything around it.
struct World {
    deps: MemoryDeps,
    tenant: Tenant,
}

impl World {
    async fn new() -> Self {
        let store = MemoryStore::default();
        let tenant = tenant();
        let hash = KeyHash::of(tenant.slug.as_str());
        let key = ApiKey::new(tenant.id, "first key", ["*"], now());
        assert!(store.create_tenant(&tenant, hash, &key).await.unwrap());
        let (objects, queue) = (MemoryObjects::default(), MemoryQueue::default());
        let bus = MemoryBus::default();
        Self { deps: Deps { store, objects, queue, bus, clock: Clock::starting_at(now()) }, tenant }
    }

    async fn hold(&self, profile: Profile) {
        let new = NewContact::of(profile);
        let write = vec![Write::Create(Box::new(new))];
        self.deps.store.write(&self.tenant, write, now()).await.unwrap().pop().unwrap().unwrap();
    }

    async fn job_for_upload(&self, options: ImportOptions) -> Job {
        let id = Uuid::now_v7();
        let job = Job::new(id, self.tenant.id, "leads.csv".into(), options, now());
        assert!(self.deps.store.create_job(&job).await.unwrap());
        job
    }

    /// Puts an object and gives the event for it.
    async fn put(&self, key: &str, content: impl Into<Bytes>) -> Value {
        self.deps.objects.put(key, "text/csv", content.into()).await.unwrap();
        let info = self.deps.objects.head(key).await.unwrap().unwrap();
        s3_event(key, &info.etag)
    }

    /// Delivers one event, and then what it put in the queue, until nothing is left.
    async fn run(&self, event: Value) -> Result<(), ImportError> {
        deliver(&self.deps, event).await?;
        loop {
            let messages = self.deps.queue.take();
            if messages.is_empty() {
                return Ok(());
            }
            let failed = deliver(&self.deps, sqs_event(&messages)).await?;
            assert_eq!(failed, json!({"batchItemFailures": []}));
        }
    }

    async fn job(&self, id: Uuid) -> Job {
        self.deps.store.job(self.tenant.id, id).await.unwrap().unwrap()
    }

    /// Imports a whole file by upload and gives the job as it ended.
    async fn import(&self, content: impl Into<Bytes>, options: ImportOptions) -> Job {
        let job = self.job_for_upload(options).await;
        let event = self.put(&Job::upload_key(job.tenant, job.id), content).await;
        self.run(event).await.unwrap();
        self.job(job.id).await
    }

    async fn contacts(&self) -> BTreeMap<String, Contact> {
        let page = self.deps.store.page(&self.tenant, None, 100_000).await.unwrap();
        page.contacts.into_iter().map(|c| (c.profile.email.to_string(), c)).collect()
    }

    async fn at(&self, email: &str) -> Standing {
        let email = Email::parse(email).unwrap();
        self.deps.store.standings(&self.tenant, &[email]).await.unwrap().pop().unwrap()
    }

    fn errors_csv(&self, job: &Job) -> String {
        self.report(job, "errors.csv")
    }

    fn warnings_csv(&self, job: &Job) -> String {
        self.report(job, "warnings.csv")
    }

    fn report(&self, job: &Job, name: &str) -> String {
        let content = self.deps.objects.content(&job.object_key(name)).expect(name);
        String::from_utf8(content.to_vec()).unwrap()
    }

    async fn field_slugs(&self) -> Vec<String> {
        use store::{FieldStore, Freshness};
        let fields = self.deps.store.fields(&self.tenant, Freshness::Strong).await.unwrap();
        fields.iter().map(|field| format!("{}:{}", field.slug, field.id.kind)).collect()
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_000_000_123).unwrap()
}

async fn deliver(deps: &MemoryDeps, event: Value) -> Result<Value, ImportError> {
    handle_at(deps, event, None, PACE).await
}

fn s3_event(key: &str, etag: &str) -> Value {
    let key = percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC).to_string();
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-11-23T08:00:00.123Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "AWS:EXAMPLE" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": { "x-amz-request-id": "1", "x-amz-id-2": "1" },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "leads",
            "bucket": {
                "name": "leads",
                "ownerIdentity": { "principalId": "EXAMPLE" },
                "arn": "arn:aws:s3:::leads",
            },
            "object": {
                "key": key.replace("%20", "+").replace("%2F", "/"),
                "size": 1,
                "eTag": etag.trim_matches('"'),
                "sequencer": "0055AED6DCD90281E5",
            },
        },
    }] })
}

fn sqs_event(messages: &[RangeMessage]) -> Value {
    let bodies = messages.iter().map(|message| serde_json::to_string(message).unwrap());
    sqs_event_of(bodies)
}

fn sqs_event_of(bodies: impl Iterator<Item = String>) -> Value {
    let records: Vec<Value> = bodies
        .enumerate()
        .map(|(number, body)| {
            json!({
                "messageId": format!("message-{number}"),
                "receiptHandle": "handle",
                "body": body,
                "attributes": { "ApproximateReceiveCount": "1" },
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:ranges",
                "awsRegion": "us-east-1",
            })
        })
        .collect();
    json!({ "Records": records })
}

fn profile(email: &str) -> Profile {
    Profile::new(Email::parse(email).unwrap(), email, Status::Active)
}

fn counts(job: &Job) -> RowCounts {
    assert_eq!(job.status, JobStatus::Done, "{:?}", job.refusal);
    let rows = job.rows.expect("a closed job has counts");
    assert_eq!(Some(rows.total()), job.rows_total);
    rows
}

fn rows(created: u64, updated: u64, unchanged: u64, invalid: u64, duplicate: u64) -> RowCounts {
    RowCounts { created, updated, unchanged, invalid, duplicate, ..RowCounts::default() }
}

fn refusal(job: &Job) -> &str {
    assert_eq!(job.status, JobStatus::Failed);
    assert!(job.finished_at.is_some());
    &job.refusal.as_ref().expect("a refusal").code
}
