use model::scoring::Tiers;
use model::{Engagement, Tier};
use store::{UsageKind, UsageStore};

use super::*;

#[tokio::test]
async fn the_table_of_the_defaults_holds_for_events_that_come_one_by_one() {
    for (kind, points, tier) in [
        ("email.opened", 1, Tier::Cold),
        ("email.clicked", 5, Tier::Cold),
        ("email.replied", 10, Tier::Cold),
        ("pricing_page.visited", 20, Tier::Warm),
        ("email.bounced", -50, Tier::Cold),
        ("email.unsubscribed", 0, Tier::Cold),
    ] {
        let world = World::new().await;
        world.hold(JANE).await;
        assert!(world.deliver(&[event("e1", 0, kind)]).await.is_empty());
        let score = world.score(JANE).await;
        assert_eq!((score, Tiers::default().of(score)), (points, tier), "{kind}");
    }
}

#[tokio::test]
async fn events_of_one_contact_in_a_batch_are_one_write() {
    let world = World::new().await;
    world.hold(JANE).await;
    world.hold("joe@example.com").await;
    let mut events: Vec<Value> = (0..120).map(|n| event(&format!("e{n}"), n, "email.opened")).collect();
    events.push(event_of("Joe@example.com", "e1", 0, "email.replied"));
    assert!(world.deliver(&events).await.is_empty());
    let jane = world.contact(JANE).await;
    // 99 facts and the contact fill a transaction.
    assert_eq!((world.score(JANE).await, jane.version), (120, 3));
    assert_eq!(world.score("joe@example.com").await, 10);
    assert_eq!(world.contact("joe@example.com").await.version, 2);
}

#[tokio::test]
async fn an_event_that_comes_again_counts_once() {
    let world = World::new().await;
    world.hold(JANE).await;
    let clicked = event("e1", 0, "email.clicked");
    assert!(world.deliver(&[clicked.clone(), clicked.clone()]).await.is_empty());
    assert!(world.deliver(&[clicked.clone(), event("e2", 1, "email.opened")]).await.is_empty());
    assert!(world.deliver(&[clicked]).await.is_empty());
    assert_eq!((world.score(JANE).await, world.contact(JANE).await.version), (6, 3));
}

#[tokio::test]
async fn late_events_count_where_they_belong() {
    let world = World::new().await;
    world.hold(JANE).await;
    world.deliver(&[event("e5", 50, "email.replied")]).await;
    world.deliver(&[event("e3", 30, "email.unsubscribed")]).await;
    assert_eq!(world.score(JANE).await, 10);
    world.deliver(&[event("e1", 10, "pricing_page.visited"), event("e4", 40, "email.opened")]).await;
    assert_eq!(world.score(JANE).await, 11);
}

#[tokio::test]
async fn what_a_machine_did_is_kept_and_counts_nothing() {
    let world = World::new().await;
    world.hold(JANE).await;
    let mut opened = event("e1", 0, "email.opened");
    opened["machine"] = json!(true);
    world.deliver(&[opened]).await;
    let jane = world.contact(JANE).await;
    assert_eq!((world.score(JANE).await, jane.profile.engagement.len()), (0, 0));
    assert_eq!(world.explained(&jane).await.entries.len(), 1);
}

#[tokio::test]
async fn a_contact_shows_when_it_was_last_engaged_and_what_ends_mail_to_it() {
    let world = World::new().await;
    world.hold(JANE).await;
    let mut soft = event("e3", 9, "email.bounced");
    soft["properties"]["bounce_type"] = json!("soft");
    world.deliver(&[event("e1", 7, "email.opened"), event("e2", 5, "email.opened"), soft.clone()]).await;
    let jane = world.contact(JANE).await;
    let opened = jane.profile.engagement[&Engagement::Opened];
    assert_eq!(opened, now() - TimeDelta::days(1) + TimeDelta::minutes(7));
    assert_eq!((jane.score, jane.profile.status), (-48, Status::Active));
    let mut hard = event("e4", 8, "email.bounced");
    hard["properties"]["bounce_type"] = json!("hard");
    world.deliver(&[hard.clone()]).await;
    assert_eq!(world.contact(JANE).await.profile.status, Status::Bounced);
    world.deliver(&[event("e0", 0, "email.unsubscribed")]).await;
    assert_eq!(world.contact(JANE).await.profile.status, Status::Unsubscribed);
    hard["id"] = json!("e5");
    world.deliver(&[hard]).await;
    assert_eq!(world.contact(JANE).await.profile.status, Status::Unsubscribed);
    // Soft and hard ones of -50 each; what came before the unsubscribe is none.
    assert_eq!(world.score(JANE).await, 2 - 3 * 50);
}

#[tokio::test]
async fn poison_is_dropped_and_its_neighbours_are_not() {
    let world = World::new().await;
    world.hold(JANE).await;
    let mut batch = world.batch(&[
        event("e1", 0, "email.opened"),
        event("", 0, "email.opened"),
        event("e2", 60 * 24 * 2, "email.opened"),
    ]);
    let nobodys = json!({"detail": {"tenant_id": uuid::Uuid::nil(), "id": "x"}});
    let strangers = {
        let mut detail = event("e3", 0, "email.opened");
        detail["tenant_id"] = json!(uuid::Uuid::from_u128(7));
        json!({"detail": detail})
    };
    let bodies = ["no JSON".to_owned(), "{}".to_owned(), nobodys.to_string(), strangers.to_string()];
    let poison = bodies.map(|body| json!({"messageId": "p", "eventSource": "aws:sqs", "body": body}));
    batch["Records"].as_array_mut().unwrap().extend(poison);
    assert!(failures(handle(&world.deps, batch).await.unwrap()).is_empty());
    assert_eq!(world.score(JANE).await, 1);
    assert_eq!(handle(&world.deps, json!({"Records": []})).await.unwrap(), Value::Null);
    assert_eq!(handle(&world.deps, json!("?")).await.unwrap(), Value::Null);
}

#[tokio::test]
async fn an_event_that_was_moved_on_by_another_write_is_recorded_all_the_same() {
    let world = World::new().await;
    world.hold(JANE).await;
    // Sixteen batches side by side over one contact.
    let events: Vec<Value> = (0..16).map(|n| event(&format!("e{n}"), 100 - n, "email.opened")).collect();
    let mut left: Vec<&Value> = events.iter().collect();
    // Who loses every round comes again.
    for _ in 0..20 {
        let deliveries = left.iter().map(|event| world.deliver(std::slice::from_ref(*event)));
        let failed = futures::future::join_all(deliveries).await;
        left =
            left.into_iter().zip(failed).filter(|(_, failed)| !failed.is_empty()).map(|(e, _)| e).collect();
    }
    assert_eq!((left.len(), world.score(JANE).await), (0, 16));
}

#[tokio::test]
async fn events_are_counted_once_on_the_day_they_are_taken_in_whatever_company_they_come_again() {
    let world = World::new().await;
    world.hold(JANE).await;
    let long_ago = |n: i64| event(&format!("e{n}"), n - 100 * 24 * 60, "email.opened");
    let events: Vec<Value> = (0..4).map(long_ago).collect();
    let mut batch = world.batch(&events);
    let records = batch["Records"].as_array_mut().unwrap();
    for (n, record) in records.iter_mut().enumerate() {
        record["messageId"] = json!(uuid::Uuid::from_u128(n as u128));
        record["attributes"] = json!({"SentTimestamp": now().timestamp_millis().to_string()});
    }
    let records = records.clone();
    for batch in [&records[..3], &records[1..], &records[..1], &records[..3]] {
        assert_eq!(failures(handle(&world.deps, json!({"Records": batch})).await.unwrap()), [""; 0]);
    }
    let used = world.store.day_usage(world.tenant.id, now().date_naive()).await.unwrap();
    assert_eq!(used.amounts, [(UsageKind::Events, 4)].into());
}
