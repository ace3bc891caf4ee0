//! Files that arrive, once, twice, late or not at all.

use std::time::Duration;

use model::import::ImportOptions;
use serde_json::{Value, json};
use store::{Job, JobStatus, JobStore, ObjectStore, RangeMessage};
use tokio::time::Instant;
use uuid::Uuid;

use super::{PACE, World, counts, deliver, refusal, rows, s3_event, sqs_event, sqs_event_of};
use crate::event::handle_at;
use crate::handle;

const FILE: &str = "email,city\na@example.com,Oslo\nb@example.com,Rome\nbad,x\n";

async fn jobs(world: &World) -> Vec<Job> {
    world.deps.store.jobs(world.tenant.id, None, 100).await.unwrap()
}

#[tokio::test]
async fn the_future_of_the_handler_can_be_spawned() {
    let world = World::new().await;
    let handled = tokio::spawn(async move { handle(&world.deps, json!({}), None).await });
    assert_eq!(handled.await.unwrap().unwrap(), Value::Null);
}

#[tokio::test]
async fn a_file_dropped_in_the_inbox_is_imported_under_its_name() {
    let world = World::new().await;
    let key = format!("inbox/{}/from fair/März+1.csv", world.tenant.slug.as_str());
    let event = world.put(&key, FILE).await;
    world.run(event).await.unwrap();
    let jobs = jobs(&world).await;
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].filename, "März+1.csv");
    assert_eq!(counts(&jobs[0]), rows(2, 0, 0, 1, 0));
}

#[tokio::test]
async fn the_same_event_twice_is_one_import() {
    let world = World::new().await;
    let event = world.put(&format!("inbox/{}/a.csv", world.tenant.slug.as_str()), FILE).await;
    world.run(event.clone()).await.unwrap();
    let (jobs_before, contacts_before) = (jobs(&world).await, world.contacts().await);
    world.run(event).await.unwrap();
    assert_eq!(jobs(&world).await, jobs_before);
    assert_eq!(world.contacts().await, contacts_before);
}

#[tokio::test]
async fn a_second_put_to_the_upload_url_is_ignored_at_any_time() {
    for stop_after_planning in [true, false] {
        let world = World::new().await;
        let job = world.job_for_upload(ImportOptions::default()).await;
        let key = Job::upload_key(job.tenant, job.id);
        let first = world.put(&key, FILE).await;
        if stop_after_planning {
            deliver(&world.deps, first).await.unwrap();
        } else {
            world.run(first).await.unwrap();
        }
        let waiting = world.deps.queue.take();
        let second = world.put(&key, "email\nintruder@example.com\n").await;
        deliver(&world.deps, second).await.unwrap();
        assert!(world.deps.queue.take().is_empty());
        deliver(&world.deps, sqs_event(&waiting)).await.unwrap();
        assert_eq!(counts(&world.job(job.id).await), rows(2, 0, 0, 1, 0));
        assert!(!world.contacts().await.contains_key("intruder@example.com"));
    }
}

#[tokio::test]
async fn a_file_replaced_before_it_was_read_leaves_the_import_to_the_next_event() {
    let world = World::new().await;
    let job = world.job_for_upload(ImportOptions::default()).await;
    let key = Job::upload_key(job.tenant, job.id);
    let first = world.put(&key, "email\nold@example.com\n").await;
    let second = world.put(&key, FILE).await;
    world.run(first).await.unwrap();
    assert_eq!(world.job(job.id).await.status, JobStatus::AwaitingUpload);
    world.run(second).await.unwrap();
    assert_eq!(counts(&world.job(job.id).await), rows(2, 0, 0, 1, 0));
    assert!(!world.contacts().await.contains_key("old@example.com"));
}

#[tokio::test]
async fn a_dropped_file_that_is_gone_fails_its_job() {
    let world = World::new().await;
    let event = s3_event(&format!("inbox/{}/a.csv", world.tenant.slug.as_str()), "\"gone\"");
    world.run(event.clone()).await.unwrap();
    assert_eq!(refusal(&jobs(&world).await[0]), "source_gone");
    world.run(event).await.unwrap();
    assert_eq!(jobs(&world).await.len(), 1);
}

#[tokio::test]
async fn what_is_nobodys_is_acknowledged() {
    let world = World::new().await;
    let slug = world.tenant.slug.as_str();
    let (tenant, job) = (world.tenant.id, Uuid::now_v7());
    for key in [
        "inbox/unknown-tenant/a.csv".to_owned(),
        format!("inbox/{slug}/"),
        format!("inbox/{slug}/folder/"),
        "else/where".to_owned(),
        Job::upload_key(tenant, job),
        Job::upload_key(model::TenantId(Uuid::now_v7()), job),
        format!("imports/{tenant}/{job}/source-1"),
    ] {
        let event = world.put(&key, FILE).await;
        assert_eq!(deliver(&world.deps, event).await.unwrap(), Value::Null, "{key}");
    }
    let test_event = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "leads"});
    assert_eq!(deliver(&world.deps, test_event).await.unwrap(), Value::Null);
    let mut removed = s3_event(&format!("inbox/{slug}/a.csv"), "1");
    removed["Records"][0]["eventName"] = "ObjectRemoved:Delete".into();
    assert_eq!(deliver(&world.deps, removed).await.unwrap(), Value::Null);
    assert!(jobs(&world).await.is_empty());
    assert!(world.contacts().await.is_empty());
}

#[tokio::test]
async fn poison_in_the_queue_is_acknowledged_and_the_rest_of_the_batch_is_done() {
    let world = World::new().await;
    let job = world.job_for_upload(ImportOptions::default()).await;
    let event = world.put(&Job::upload_key(job.tenant, job.id), FILE).await;
    deliver(&world.deps, event).await.unwrap();
    let good = world.deps.queue.take().remove(0);
    let elsewhere = RangeMessage { job: Uuid::now_v7(), ..good };
    let beyond = RangeMessage { range: 7, ..good };
    let bodies = ["no json".to_owned(), "{}".to_owned()]
        .into_iter()
        .chain([elsewhere, beyond, good].map(|message| serde_json::to_string(&message).unwrap()));
    let answer = deliver(&world.deps, sqs_event_of(bodies)).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(counts(&world.job(job.id).await), rows(2, 0, 0, 1, 0));
}

#[tokio::test]
async fn a_range_that_cannot_be_loaded_now_is_the_only_one_delivered_again() {
    let world = World::new().await;
    let waiting = world.job_for_upload(ImportOptions::default()).await;
    let bodies = [
        "poison".to_owned(),
        serde_json::to_string(&RangeMessage { tenant: waiting.tenant, job: waiting.id, range: 0 }).unwrap(),
    ];
    let answer = deliver(&world.deps, sqs_event_of(bodies.into_iter())).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "message-1"}]}));
}

#[tokio::test]
async fn a_loader_near_its_deadline_hands_the_range_on() {
    let world = World::new().await;
    let job = world.job_for_upload(ImportOptions::default()).await;
    let text: String = (0..100).map(|number| format!("p{number}@example.com\n")).collect();
    let event = world.put(&Job::upload_key(job.tenant, job.id), format!("email\n{text}")).await;
    deliver(&world.deps, event).await.unwrap();
    let mut turns = 0;
    loop {
        let messages = world.deps.queue.take();
        if messages.is_empty() {
            break;
        }
        turns += 1;
        let deadline = Some(Instant::now() + Duration::from_secs(10));
        let answer = handle_at(&world.deps, sqs_event(&messages), deadline, PACE).await.unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    assert_eq!(turns, 5, "100 rows at 24 a checkpoint");
    assert_eq!(counts(&world.job(job.id).await), rows(100, 0, 0, 0, 0));
}

#[tokio::test]
async fn an_import_reads_its_own_copy_and_never_what_came_later() {
    let world = World::new().await;
    let job = world.job_for_upload(ImportOptions::default()).await;
    let key = Job::upload_key(job.tenant, job.id);
    let event = world.put(&key, FILE).await;
    deliver(&world.deps, event).await.unwrap();
    world.deps.objects.put(&key, "text/csv", "email\nintruder@example.com\n".into()).await.unwrap();
    deliver(&world.deps, sqs_event(&world.deps.queue.take())).await.unwrap();
    assert_eq!(counts(&world.job(job.id).await), rows(2, 0, 0, 1, 0));
}
