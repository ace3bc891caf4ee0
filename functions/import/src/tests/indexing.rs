//! What a file creates is indexed by its import, whatever dies on the way.

use std::collections::BTreeSet;

use model::import::ImportOptions;
use model::rule::{Moment, NoLists, Rule, Zone, bind};
use model::{Fields, Origin};
use serde_json::json;
use store::testing::{CallFaults, Moment as Crash};
use store::{ContactSearch, ContactStore, Job};

use super::crashes::run;
use super::{MemoryDeps, World, deliver, now, profile, sqs_event_of};

fn file(rows: u32) -> String {
    (0..rows)
        .fold("Email,Company\n".to_owned(), |file, n| file + &format!("p{n}@example.com,Acme {}\n", n % 5))
}

/// Delivers the blocks that wait to be indexed, each twice.
async fn index(world: &World) {
    for message in world.deps.queue.take_blocks() {
        for _ in 0..2 {
            let event = sqs_event_of([serde_json::to_string(&message).unwrap()].into_iter());
            assert_eq!(deliver(&world.deps, event).await.unwrap(), json!({"batchItemFailures": []}));
        }
    }
}

/// Gives the addresses of whom a query means.
async fn found(world: &World, query: &str) -> BTreeSet<String> {
    let moment = Moment::new(now(), Zone::utc());
    let (rule, _) = bind(&Rule::parse(query).unwrap(), &Fields::default(), &NoLists, &moment).unwrap();
    let search = ContactSearch { store: &world.deps.store, tenant: &world.tenant };
    let matches = search.find(rule, None).await.unwrap();
    let page = search.page(&matches, None, 1_000).await.unwrap();
    page.contacts.into_iter().map(|(_, contact)| contact.profile.email.to_string()).collect()
}

/// Gives the addresses of the contacts that the stream leaves to their import.
async fn left_to_the_import(world: &World) -> BTreeSet<String> {
    let contacts = world.contacts().await.into_iter();
    let left = contacts
        .filter(|(_, contact)| matches!(contact.origin, Some(Origin::Row { indexed_by_import: true, .. })));
    left.map(|(email, _)| email).collect()
}

#[tokio::test]
async fn contacts_of_a_large_file_are_indexed_together_and_those_of_a_small_one_by_the_stream() {
    let world = World::new().await;
    world.import(file(20), ImportOptions::default()).await;
    assert!(world.deps.queue.take_blocks().is_empty());
    assert!(left_to_the_import(&world).await.is_empty());

    let world = World::new().await;
    world.import(file(200), ImportOptions::default()).await;
    let left = left_to_the_import(&world).await;
    // The first stretch shows that the addresses are new.
    assert_eq!(left.len(), 200 - 24);
    index(&world).await;
    assert!(left.is_subset(&found(&world, "has:email").await));
    let acme = found(&world, "company:\"acme 3\"").await;
    assert_eq!(acme.len(), (24..200).filter(|n| n % 5 == 3).count());
    // A file that changes them creates nobody to index.
    world.import(file(200).replace("Acme", "Globex"), ImportOptions::default()).await;
    assert!(world.deps.queue.take_blocks().is_empty());
}

#[tokio::test]
async fn nobody_is_left_out_where_a_file_goes_over_the_border_of_a_block() {
    for below in [31, 60, 70, 90, 97, 130] {
        let world = World::new().await;
        world.deps.store.reserve(&world.tenant, 65_536 - below).await.unwrap();
        world.import(file(200), ImportOptions::default()).await;
        index(&world).await;
        let (left, found) = (left_to_the_import(&world).await, found(&world, "has:email").await);
        assert!(left.is_subset(&found), "{below} below: {:?}", &left - &found);
        assert!(left.len() > 140, "{below} below: {}", left.len());
    }
}

#[tokio::test]
async fn nobody_is_left_out_by_a_crash_at_any_call_to_the_store() {
    for at in 0.. {
        for moment in [Crash::Before, Crash::After] {
            let world = World::new().await;
            world.hold(profile("p69@example.com")).await;
            let job = world.job_for_upload(ImportOptions::default()).await;
            let event = world.put(&Job::upload_key(job.tenant, job.id), file(70)).await;
            let faults = CallFaults::crash(at, moment);
            let store = world.deps.store.failing(faults.clone());
            run(&MemoryDeps { store, ..world.deps.clone() }, &world.deps, &event).await;
            index(&world).await;
            let left = left_to_the_import(&world).await;
            let found = found(&world, "has:email").await;
            assert!(left.is_subset(&found), "call {at}, {moment:?}: {:?}", &left - &found);
            if faults.calls() <= at {
                assert!(left.len() > 40, "{}", left.len());
                return;
            }
        }
    }
}
