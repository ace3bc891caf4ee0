//! What a tenant decided, suppressed and uses, where files come in.

use model::import::ImportOptions;
use model::{
    AttributeType, Consent, Email, Field, FieldSlug, Profile, Settings, Standing, Status, Suppression,
    SuppressionReason, Sweep,
};
use serde_json::json;
use store::{
    ContactStore, FieldStore, FieldWrite, Freshness, SweepMessage, TenantStore, UsageKind, UsageStore,
};

use super::{World, counts, deliver, now, profile, rows, sqs_event_of};

fn consent() -> Consent {
    Consent { source: "crm".into(), method: "export".into(), captured_at: now(), text: "all agreed".into() }
}

#[tokio::test]
async fn no_file_brings_an_erased_person_back_not_even_one_that_claims_consent() {
    let world = World::new().await;
    let erased = Suppression { reason: SuppressionReason::Erased, since: now(), source: None };
    let address = Email::parse("gone@example.com").unwrap();
    world.deps.store.suppress(&world.tenant, &address, &erased, None).await.unwrap();
    let text = "email,status\ngone@example.com,active\nnew@example.com,active\n";
    for options in [
        ImportOptions::default(),
        ImportOptions {
            consent: Some(consent()),
            tags: [model::Tag::parse("x").unwrap()].into(),
            ..Default::default()
        },
    ] {
        let job = world.import(text, options).await;
        assert_eq!(counts(&job).suppressed, 1);
        assert_eq!(world.at("gone@example.com").await, Standing::Suppressed(erased.clone()));
    }
}

#[tokio::test]
async fn no_file_resubscribes_who_is_held_gone_or_suppressed_from_outside() {
    let world = World::new().await;
    let unsubscribed = |email| Profile { status: Status::Unsubscribed, ..profile(email) };
    world.hold(unsubscribed("held@example.com")).await;
    world.hold(unsubscribed("gone@example.com")).await;
    let gone = world.contacts().await.remove("gone@example.com").unwrap();
    world.deps.store.delete(&world.tenant, &gone, now()).await.unwrap();
    let complaint = Suppression { reason: SuppressionReason::Complaint, since: now(), source: None };
    let address = Email::parse("spam@example.com").unwrap();
    world.deps.store.suppress(&world.tenant, &address, &complaint, None).await.unwrap();
    let text = "email,status\nheld@example.com,active\ngone@example.com,active\nspam@example.com,active\n";
    let job = world.import(text, ImportOptions { status: Some(Status::Active), ..Default::default() }).await;
    assert_eq!(job.warnings, 3);
    let grounds = world.contacts().await.remove("spam@example.com").unwrap().profile.grounds;
    assert_eq!(grounds.unwrap().reason, SuppressionReason::Complaint);
    let statuses = world.contacts().await.into_values().map(|contact| contact.profile.status);
    assert_eq!(statuses.collect::<Vec<_>>(), [Status::Unsubscribed; 3]);
}

#[tokio::test]
async fn a_tenant_that_wants_no_new_fields_gets_none_from_a_file() {
    let world = World::new().await;
    let settings = Settings { infer_attributes: false, ..Settings::default() };
    world.deps.store.save_settings(world.tenant.id, &settings).await.unwrap();
    let slug = FieldSlug::from_name("city").unwrap();
    world.deps.store.define_field(&world.tenant, &slug, "City", AttributeType::Text).await.unwrap();
    let job = world.import("email,City,Shoe size\na@example.com,Oslo,43\n", ImportOptions::default()).await;
    assert_eq!(counts(&job), rows(1, 0, 0, 0, 0));
    assert_eq!(world.field_slugs().await, ["city:text"]);
    let fields: Vec<Option<String>> =
        job.columns.iter().map(|planned| planned.column.field.as_ref().map(ToString::to_string)).collect();
    assert_eq!(fields, [Some("email".to_owned()), Some("attributes.city".to_owned()), None]);
}

#[tokio::test]
async fn a_row_without_a_required_attribute_is_invalid_and_a_default_fills_one() {
    let world = World::new().await;
    for (name, required, default) in [("city", true, None), ("source", false, Some("fair".to_owned()))] {
        let id = world.deps.store.new_field_id(&world.tenant, AttributeType::Text).await.unwrap();
        let slug = FieldSlug::from_name(name).unwrap();
        let field = Field { required, default, ..Field::new(id, slug, name) };
        assert!(world.deps.store.insert_field(&world.tenant, &field).await.unwrap());
    }
    let text = "email,city\na@example.com,Oslo\nb@example.com,\n";
    let job = world.import(text, ImportOptions::default()).await;
    assert_eq!(counts(&job), rows(1, 0, 0, 1, 0));
    assert!(world.errors_csv(&job).contains("3,2,required_attribute,"));
    let contact = world.contacts().await.remove("a@example.com").unwrap();
    let values: Vec<String> = contact.profile.attributes.values().map(ToString::to_string).collect();
    assert_eq!(values, ["Oslo", "fair"]);
}

#[tokio::test]
async fn an_import_is_counted_once_however_often_its_messages_come() {
    let world = World::new().await;
    let text = "email\na@example.com\nb@example.com\n";
    let job = world.import(text, ImportOptions::default()).await;
    let message = store::RangeMessage { tenant: job.tenant, job: job.id, range: 0 };
    for _ in 0..3 {
        deliver(&world.deps, super::sqs_event(&[message])).await.unwrap();
    }
    let used = world.deps.store.day_usage(job.tenant, job.created_at.date_naive()).await.unwrap();
    assert_eq!(used.amounts, [(UsageKind::Imports, 1), (UsageKind::ImportedRows, 2)].into());
}

async fn sweep(world: &World, field: &Field) {
    let message = SweepMessage { tenant: world.tenant.id, field: field.id };
    let body = serde_json::to_string(&message).unwrap();
    // Twice, as a queue may.
    for _ in 0..2 {
        let answer = deliver(&world.deps, sqs_event_of([body.clone()].into_iter())).await.unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
}

async fn field(world: &World, slug: &str) -> Option<Field> {
    let fields = world.deps.store.fields(&world.tenant, Freshness::Strong).await.unwrap();
    fields.get(&FieldSlug::from_name(slug).unwrap()).cloned()
}

#[tokio::test]
async fn a_sweep_converts_what_converts_and_keeps_the_rest() {
    let world = World::new().await;
    let people: String = (0..450).map(|n| format!("p{n}@example.com,{n}\n")).collect();
    world.import(format!("email,Size\n{people}odd@example.com,large\n"), ImportOptions::default()).await;
    let before = field(&world, "size").await.unwrap();
    assert_eq!(before.id.kind, AttributeType::Text);
    let id = world.deps.store.new_field_id(&world.tenant, AttributeType::Number).await.unwrap();
    let end = world.deps.store.ordinals(&world.tenant).await.unwrap();
    let after = before.clone().retyped(id, Sweep::from_ordinal(end.0));
    let written = world.deps.store.replace_field(&world.tenant, &before, after.clone()).await.unwrap();
    assert_eq!(written, FieldWrite::Done);
    sweep(&world, &after).await;
    let swept = field(&world, "size").await.unwrap().sweep.unwrap();
    assert_eq!((swept.changed, swept.kept, swept.done), (450, 1, true));
    let contacts = world.contacts().await;
    assert_eq!(contacts["p7@example.com"].profile.attributes[&id].to_json(), json!(7));
    assert_eq!(contacts["p7@example.com"].version, 2);
    assert_eq!(contacts["odd@example.com"].profile.attributes[&before.id].to_string(), "large");
}

#[tokio::test]
async fn a_dropped_field_leaves_no_value_and_no_trace() {
    let world = World::new().await;
    let file = "email,Size,City\na@example.com,5,Oslo\nb@example.com,,Rome\n";
    world.import(file, ImportOptions::default()).await;
    let before = field(&world, "size").await.unwrap();
    let dropped = before.clone().into_dropped(Sweep::from_ordinal(9));
    world.deps.store.replace_field(&world.tenant, &before, dropped.clone()).await.unwrap();
    assert_eq!(world.field_slugs().await, ["city:text"]);
    sweep(&world, &dropped).await;
    let left = world.contacts().await.into_values().map(|contact| contact.profile.attributes.len());
    assert_eq!(left.collect::<Vec<_>>(), [1, 1]);
    let fields = world.deps.store.fields(&world.tenant, Freshness::Strong).await.unwrap();
    assert!(!fields.knows(before.id));
}
