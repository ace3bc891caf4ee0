//! A crash at any call loses nothing and does nothing twice.

use std::collections::BTreeMap;

use model::import::ImportOptions;
use model::{AttributeType, FieldSlug, Profile, Standing, Status};
use serde_json::Value;
use store::testing::{CallFaults, Moment};
use store::{FieldStore, Job, ObjectStore, RowCounts};
use uuid::Uuid;

use super::{MemoryDeps, World, counts, deliver, profile, sqs_event};

/// Has created, updated, unchanged, invalid and duplicate rows in every stretch, typed and
/// untyped attributes, values that do not convert, and addresses that must stay unsubscribed.
fn file() -> String {
    let mut text = "Email,First Name,Budget,City,Status,Age\n".to_owned();
    for number in 0..130 {
        let kind = number % 8;
        text += &match kind {
            0 => format!("held{number}@example.com,New,{number},Oslo,active,old\n"),
            1 => format!("same{number}@example.com,Same,,,,\n"),
            2 => format!("not an address {number},X,1,\"Rome\n({number})\",,old\n"),
            3 => format!("new{}@example.com,Old,1,Old,active,old\n", number + 1),
            7 => format!("gone{number}@example.com,Gone,{number},Bern,active,5\n"),
            _ => format!("new{number}@example.com,N{number},{number},\"Paris, FR\",unsubscribed,young\n"),
        };
    }
    text
}

/// Packs the file in UTF-16, so that its text is rewritten.
fn packed() -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&super::files::encoded(&file(), "utf-16le", true)).unwrap();
    encoder.finish().unwrap()
}

async fn world(file: impl Into<bytes::Bytes>) -> (World, Job, Value) {
    let world = World::new().await;
    let age = FieldSlug::from_name("Age").unwrap();
    world.deps.store.define_field(&world.tenant, &age, "Age", AttributeType::Number).await.unwrap();
    for number in 0..130 {
        match number % 8 {
            0 => {
                let status = if number % 16 == 0 { Status::Unsubscribed } else { Status::Active };
                world.hold(Profile { status, ..profile(&format!("held{number}@example.com")) }).await;
            }
            1 => {
                let first_name = Some("Same".to_owned());
                world.hold(Profile { first_name, ..profile(&format!("same{number}@example.com")) }).await;
            }
            7 => {
                use store::ContactStore;
                let email = format!("gone{number}@example.com");
                world.hold(Profile { status: Status::Bounced, ..profile(&email) }).await;
                let Standing::Held(contact) = world.at(&email).await else { panic!("it is held") };
                world.deps.store.delete(&world.tenant, &contact, super::now()).await.unwrap();
            }
            _ => {}
        }
    }
    let job = world.job_for_upload(ImportOptions::default()).await;
    let event = world.put(&Job::upload_key(job.tenant, job.id), file).await;
    (world, job, event)
}

#[derive(Debug, PartialEq)]
struct Outcome {
    counts: RowCounts,
    errors: String,
    warnings: (u64, String),
    contacts: BTreeMap<String, (Profile, u64)>,
}

async fn outcome(world: &World, job: Uuid) -> Outcome {
    let job = world.job(job).await;
    let contacts = world.contacts().await.into_iter();
    Outcome {
        counts: counts(&job),
        errors: world.errors_csv(&job),
        warnings: (job.warnings, world.warnings_csv(&job)),
        contacts: contacts.map(|(email, c)| (email, (c.profile, c.version))).collect(),
    }
}

/// Gives of which imports it was told that they ended, and how, each once.
fn ends(world: &World) -> Vec<(Uuid, String)> {
    let events = world.deps.bus.take_announced();
    let ends: BTreeMap<Uuid, Value> = events.iter().map(|event| (event.id(), event.detail())).collect();
    let text = |end: &Value, name: &str| end[name].as_str().unwrap().to_owned();
    ends.values().map(|end| (text(end, "import_id").parse().unwrap(), text(end, "status"))).collect()
}

#[tokio::test]
async fn whoever_listens_hears_what_an_import_did_as_soon_as_the_bus_takes_it() {
    let (world, job, event) = world(file()).await;
    deliver(&world.deps, event).await.unwrap();
    let messages = world.deps.queue.take();
    world.deps.bus.be_down(true);
    for _ in 0..2 {
        let answer = deliver(&world.deps, sqs_event(&messages)).await.unwrap();
        assert_eq!(answer["batchItemFailures"].as_array().map(Vec::len), Some(1));
        assert_eq!(world.job(job.id).await.status.as_str(), "done");
    }
    world.deps.bus.be_down(false);
    let answer = deliver(&world.deps, sqs_event(&messages)).await.unwrap();
    assert_eq!(answer, serde_json::json!({"batchItemFailures": []}));
    let told = world.deps.bus.take_announced();
    assert_eq!((told.len(), told[0].kind.as_str()), (1, "import.finished"));
    let (detail, counts) = (told[0].detail(), counts(&world.job(job.id).await));
    assert_eq!((&detail["rows"]["total"], &detail["rows"]["created"]), (&130.into(), &counts.created.into()));
    assert!(detail.get("filename").is_none() && detail.get("contact_id").is_none(), "{detail}");
}

#[tokio::test]
async fn whoever_listens_hears_that_a_file_was_refused_wherever_the_function_dies() {
    for at in 0..14 {
        for moment in [Moment::Before, Moment::After] {
            let (world, job, event) = world("no,columns,of,use\n1,2,3,4\n").await;
            let store = world.deps.store.failing(CallFaults::crash(at, moment));
            run(&MemoryDeps { store, ..world.deps.clone() }, &world.deps, &event).await;
            assert_eq!(ends(&world), [(job.id, "failed".to_owned())], "call {at}, {moment:?}");
        }
    }
}

/// Delivers everything to a process that dies, and what it did not finish to one that lives.
pub(super) async fn run(dying: &MemoryDeps, healthy: &MemoryDeps, event: &Value) {
    let mut deps = dying;
    while deliver(deps, event.clone()).await.is_err() {
        deps = healthy;
    }
    for _ in 0..100 {
        let messages = healthy.queue.take();
        let Some(message) = messages.first() else { return };
        let again = deliver(deps, sqs_event(&messages)).await.unwrap();
        if again["batchItemFailures"] != serde_json::json!([]) {
            deps = healthy;
            store::RangeQueue::send(&healthy.queue, &[*message]).await.unwrap();
        }
    }
    panic!("the import does not end");
}

async fn crash_at_every_call(
    file: impl Into<bytes::Bytes>,
    dying: impl Fn(&MemoryDeps, CallFaults) -> MemoryDeps,
) -> usize {
    let file = file.into();
    let (undisturbed, job, event) = world(file.clone()).await;
    undisturbed.run(event).await.unwrap();
    let expected = outcome(&undisturbed, job.id).await;
    assert_eq!(expected.counts.total(), 130);
    for count in [expected.counts.created, expected.counts.updated, expected.counts.unchanged] {
        assert!(count > 10, "{:?}", expected.counts);
    }
    assert!(expected.counts.invalid > 10 && expected.counts.duplicate > 10, "{:?}", expected.counts);

    for code in ["wrong_type", "consent_required"] {
        assert!(expected.warnings.1.matches(code).count() > 10, "{}", expected.warnings.1);
    }

    for at in 0.. {
        for moment in [Moment::Before, Moment::After] {
            let (world, job, event) = world(file.clone()).await;
            let faults = CallFaults::crash(at, moment);
            run(&dying(&world.deps, faults.clone()), &world.deps, &event).await;
            assert_eq!(outcome(&world, job.id).await, expected, "call {at}, {moment:?}");
            assert_eq!(ends(&world), [(job.id, "done".to_owned())], "call {at}, {moment:?}");
            // And all of it once more, late.
            let before = world.contacts().await;
            run(&world.deps, &world.deps, &event).await;
            assert_eq!(world.contacts().await, before);
            if faults.calls() <= at {
                return at;
            }
        }
    }
    unreachable!("a run makes finitely many calls")
}

#[tokio::test]
async fn an_import_survives_a_crash_at_every_call_to_the_store() {
    let calls = crash_at_every_call(file(), |deps, faults| MemoryDeps {
        store: deps.store.failing(faults),
        ..deps.clone()
    })
    .await;
    assert!(calls > 100, "{calls} calls");
}

#[tokio::test]
async fn an_import_survives_a_crash_at_every_call_to_the_bucket() {
    let objects =
        |deps: &MemoryDeps, faults| MemoryDeps { objects: deps.objects.failing(faults), ..deps.clone() };
    let plain = crash_at_every_call(file(), objects).await;
    assert!(plain > 15, "{plain} calls");
    // Its text is written, described and read: more calls to die in.
    let packed = crash_at_every_call(packed(), objects).await;
    assert!(packed > plain + 2, "{packed} calls");
}

#[tokio::test]
async fn an_inbox_import_survives_a_crash_at_every_early_call() {
    for at in 0..12 {
        for moment in [Moment::Before, Moment::After] {
            let (world, ..) = world(file()).await;
            let key = format!("inbox/{}/a.csv", world.tenant.slug.as_str());
            let event = world.put(&key, file()).await;
            let store = world.deps.store.failing(CallFaults::crash(at, moment));
            run(&MemoryDeps { store, ..world.deps.clone() }, &world.deps, &event).await;
            let jobs = store::JobStore::jobs(&world.deps.store, world.tenant.id, None, 10).await.unwrap();
            // The other one still waits for its upload.
            assert_eq!(jobs.len(), 2);
            assert_eq!(jobs.iter().filter(|job| job.rows.is_some()).count(), 1);
            assert!(world.deps.objects.head(&key).await.unwrap().is_some());
        }
    }
}
