//! One tenant's files leave loaders for those of others.

use chrono::{TimeDelta, Utc};
use model::import::ImportOptions;
use serde_json::json;
use store::{Job, JobStatus, LOADERS_A_TENANT, LoaderStore, RangeMessage};

use super::{World, counts, deliver, rows, sqs_event};

/// Takes all places of the tenant for other work.
async fn fill(world: &World) {
    let until = Utc::now() + TimeDelta::minutes(1);
    for number in 0..LOADERS_A_TENANT {
        let work = format!("other#{number}");
        assert!(world.deps.store.take_loader(world.tenant.id, &work, Utc::now(), until).await.unwrap());
    }
}

#[tokio::test]
async fn a_range_waits_while_its_tenant_has_its_share_of_loaders_and_loses_nothing() {
    let world = World::new().await;
    fill(&world).await;
    let job = world.job_for_upload(ImportOptions::default()).await;
    let event = world.put(&Job::upload_key(job.tenant, job.id), "email\na@example.com\n").await;
    deliver(&world.deps, event).await.unwrap();
    let mut messages = world.deps.queue.take();
    for _ in 0..20 {
        let answer = deliver(&world.deps, sqs_event(&messages)).await.unwrap();
        // Waiting is no failure: after eight of those a message is given up.
        assert_eq!(answer, json!({"batchItemFailures": []}));
        messages = world.deps.queue.take();
        assert_eq!(messages, [RangeMessage { tenant: job.tenant, job: job.id, range: 0 }]);
        assert!(world.contacts().await.is_empty());
    }
    assert_eq!(world.job(job.id).await.status, JobStatus::Importing);

    world.deps.store.leave_loader(job.tenant, "other#1").await.unwrap();
    deliver(&world.deps, sqs_event(&messages)).await.unwrap();
    assert_eq!(counts(&world.job(job.id).await), rows(1, 0, 0, 0, 0));
    // It gave its place back.
    let until = Utc::now() + TimeDelta::minutes(1);
    assert!(world.deps.store.take_loader(job.tenant, "next", Utc::now(), until).await.unwrap());
}
