//! Clauses on everything that is no contact.

use model::import::ImportOptions;
use model::{AttributeType, FieldSlug};
use uuid::Uuid;

use super::AnyStore;
use super::contacts::now;
use crate::testing::tenant;
use crate::{
    ApiKey, Begun, Checkpoint, Freshness, ItemOutcome, Job, JobStatus, KeyHash, Outcome, Range, RequestKey,
};

pub(super) fn key_of(tenant: &model::Tenant) -> (KeyHash, ApiKey) {
    let id = Uuid::new_v4();
    (KeyHash::of(&id.to_string()), ApiKey::new(tenant.id, "a key", ["*"], now()))
}

/// The second one leaves nothing behind.
pub async fn a_slug_belongs_to_one_tenant(store: &impl AnyStore) {
    let first = tenant();
    let second = model::Tenant { slug: first.slug.clone(), ..tenant() };
    let (hash, key) = key_of(&first);
    assert!(store.create_tenant(&first, hash, &key).await.expect("create"));
    let (late_hash, late_key) = key_of(&second);
    assert!(!store.create_tenant(&second, late_hash, &late_key).await.expect("create"));
    assert_eq!(store.tenant_by_slug(&first.slug).await.expect("read"), Some(first.clone()));
    assert_eq!(store.tenant(first.id).await.expect("read"), Some(first));
    assert_eq!(store.tenant(second.id).await.expect("read"), None);
    assert_eq!(store.api_key(late_hash).await.expect("read"), None);
}

/// Also a further one.
pub async fn a_key_is_found_by_its_hash_alone(store: &impl AnyStore) {
    let tenant = tenant();
    let (hash, key) = key_of(&tenant);
    store.create_tenant(&tenant, hash, &key).await.expect("create");
    assert_eq!(store.api_key(hash).await.expect("read"), Some(key));
    let (further_hash, further) = key_of(&tenant);
    assert_eq!(store.api_key(further_hash).await.expect("read"), None);
    store.put_api_key(further_hash, &further).await.expect("put");
    assert_eq!(store.api_key(further_hash).await.expect("read"), Some(further));
}

/// And both writers get the winner.
pub async fn of_two_types_at_first_sighting_one_wins(store: &impl AnyStore) {
    let tenant = tenant();
    let slug = FieldSlug::from_name("budget").expect("a slug");
    let define = |kind| store.define_field(&tenant, &slug, "Budget", kind);
    let (first, second) = futures::join!(define(AttributeType::Number), define(AttributeType::Text));
    let first = first.expect("define");
    assert_eq!(first, second.expect("define"));
    let other = FieldSlug::from_name("city").expect("a slug");
    let city = store.define_field(&tenant, &other, "City", AttributeType::Text).await.expect("define");
    assert_ne!(city.id.number, first.id.number);
    let fields = store.fields(&tenant, Freshness::Strong).await.expect("fields");
    assert_eq!(fields.get(&slug), Some(&first));
    assert_eq!(fields.slug(city.id), Some(&other));
    let unknown = tenant_without_fields(store).await;
    assert_eq!(unknown, 0);
}

async fn tenant_without_fields(store: &impl AnyStore) -> usize {
    store.fields(&tenant(), Freshness::Strong).await.expect("fields").iter().count()
}

fn job(tenant: &model::Tenant) -> Job {
    Job::new(Uuid::now_v7(), tenant.id, "leads.csv".into(), ImportOptions::default(), now())
}

/// So of two planners one goes on.
pub async fn a_job_moves_on_only_from_where_it_stands(store: &impl AnyStore) {
    let tenant = tenant();
    let mut job = job(&tenant);
    assert!(store.create_job(&job).await.expect("create"));
    assert!(!store.create_job(&job).await.expect("create"));
    job.status = JobStatus::Planning;
    job.rows_total = Some(3);
    assert!(store.save_job(&job, JobStatus::AwaitingUpload).await.expect("save"));
    assert!(!store.save_job(&job, JobStatus::AwaitingUpload).await.expect("save"));
    assert_eq!(store.job(tenant.id, job.id).await.expect("read"), Some(job.clone()));
    assert_eq!(store.job(crate::testing::tenant().id, job.id).await.expect("read"), None);
}

/// So of two loaders of one range one goes on.
pub async fn a_checkpoint_moves_on_only_from_where_it_stands(store: &impl AnyStore) {
    let tenant = tenant();
    let start = Checkpoint { next_offset: 20, next_row: 1, next_line: 2, ..Checkpoint::default() };
    let mut range =
        Range { tenant: tenant.id, job: Uuid::now_v7(), number: 0, end_offset: 900, checkpoint: start };
    store.create_range(&range).await.expect("create");
    range.checkpoint.next_row = 501;
    range.checkpoint.rows.created = 500;
    assert!(store.save_checkpoint(&range, &start).await.expect("save"));
    assert!(!store.save_checkpoint(&range, &start).await.expect("save"));
    // A note of what is to be indexed moves nothing on, and is not written over.
    for to_index in [(10, 20), (10, 40)] {
        let from = range.checkpoint;
        range.checkpoint.to_index = Some(to_index);
        assert!(store.save_checkpoint(&range, &from).await.expect("save"));
        let other = Checkpoint { to_index: Some((70, 90)), ..from };
        let other = Range { checkpoint: other, ..range.clone() };
        assert!(!store.save_checkpoint(&other, &from).await.expect("save"));
    }
    // A planner that runs again must not set it back.
    store.create_range(&Range { checkpoint: start, ..range.clone() }).await.expect("create");
    assert_eq!(store.ranges(tenant.id, range.job).await.expect("read"), [range]);
}

/// Page by page.
pub async fn jobs_are_listed_newest_first(store: &impl AnyStore) {
    let tenant = tenant();
    let mut jobs: Vec<Job> = (0..5).map(|_| job(&tenant)).collect();
    for job in &jobs {
        store.create_job(job).await.expect("create");
    }
    jobs.sort_by_key(|job| std::cmp::Reverse(job.id));
    let first = store.jobs(tenant.id, None, 3).await.expect("list");
    assert_eq!(first, jobs[..3]);
    assert_eq!(store.jobs(tenant.id, Some(first[2].id), 3).await.expect("list"), jobs[3..]);
}

/// For one body.
pub async fn a_request_key_works_once(store: &impl AnyStore) {
    let tenant = tenant();
    let key = RequestKey::new(tenant.id, "POST", "/contacts", "k-1", b"{}");
    assert_eq!(store.begin(&key).await.expect("begin"), Begun::Fresh);
    assert_eq!(store.begin(&key).await.expect("begin"), Begun::InProgress);
    let whole = ItemOutcome { status: 201, id: Some(Uuid::new_v4()), code: None };
    let item = ItemOutcome { status: 422, id: None, code: Some("invalid_email".into()) };
    let outcome = Outcome { whole, items: vec![item] };
    store.finish(&key, &outcome).await.expect("finish");
    assert_eq!(store.begin(&key).await.expect("begin"), Begun::Done(outcome));
    let other = RequestKey::new(tenant.id, "POST", "/contacts", "k-1", b"{\"a\":1}");
    assert_eq!(store.begin(&other).await.expect("begin"), Begun::OtherBody);
    let elsewhere = RequestKey::new(crate::testing::tenant().id, "POST", "/contacts", "k-1", b"{}");
    assert_eq!(store.begin(&elsewhere).await.expect("begin"), Begun::Fresh);
    store.forget(&elsewhere).await.expect("forget");
    assert_eq!(store.begin(&elsewhere).await.expect("begin"), Begun::Fresh);
}
