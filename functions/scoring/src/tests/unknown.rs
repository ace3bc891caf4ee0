use model::{Suppression, SuppressionReason};
use store::ParkedStore;

use super::*;

fn appeared(world: &World, email: &str, old: Value) -> Value {
    json!({"Records": [{
        "eventSource": "aws:dynamodb", "eventName": if old.is_null() { "INSERT" } else { "MODIFY" },
        "dynamodb": {
            "SequenceNumber": "1",
            "Keys": {"tenant": {"S": format!("{}#3", world.tenant.id)}},
            "NewImage": {"id": {"B": ""}, "email": {"S": email}},
            "OldImage": old,
        },
    }]})
}

async fn parked(world: &World) -> usize {
    world.store.parked(&world.tenant, &Email::parse(JANE).unwrap()).await.unwrap().len()
}

#[tokio::test]
async fn an_event_waits_for_its_contact_and_counts_when_it_appears() {
    let world = World::new().await;
    world.deliver(&[event("e1", 0, "pricing_page.visited"), event("e2", 1, "email.opened")]).await;
    assert_eq!((world.standing(JANE).await, parked(&world).await), (Standing::Free, 2));
    world.hold(JANE).await;
    handle(&world.deps, appeared(&world, JANE, Value::Null)).await.unwrap();
    assert_eq!((world.score(JANE).await, parked(&world).await), (21, 0));
    handle(&world.deps, appeared(&world, JANE, Value::Null)).await.unwrap();
    assert_eq!((world.score(JANE).await, world.contact(JANE).await.version), (21, 2));
}

#[tokio::test]
async fn changes_of_contacts_that_were_there_release_nothing() {
    let world = World::new().await;
    world.deliver(&[event("e1", 0, "email.opened")]).await;
    world.hold(JANE).await;
    handle(&world.deps, appeared(&world, JANE, json!({"id": {"B": ""}}))).await.unwrap();
    assert_eq!((world.score(JANE).await, parked(&world).await), (0, 1));
    // A contact that comes to an address which was suppressed was not there.
    handle(&world.deps, appeared(&world, JANE, json!({"gone": {"S": "manual"}}))).await.unwrap();
    assert_eq!((world.score(JANE).await, parked(&world).await), (1, 0));
}

#[tokio::test]
async fn an_unsubscribe_of_an_unknown_address_suppresses_it() {
    let world = World::new().await;
    world.deliver(&[event("e1", 0, "email.unsubscribed")]).await;
    let Standing::Suppressed(suppression) = world.standing(JANE).await else { panic!("no suppression") };
    assert_eq!(suppression.reason, SuppressionReason::Unsubscribed);
    let mut bounce = event_of("joe@example.com", "e1", 0, "email.bounced");
    bounce["properties"]["bounce_type"] = json!("hard");
    world.deliver(&[bounce]).await;
    let Standing::Suppressed(suppression) = world.standing("joe@example.com").await else { panic!() };
    assert_eq!(suppression.reason, SuppressionReason::HardBounce);
}

#[tokio::test]
async fn an_event_makes_a_pending_contact_where_the_tenant_wants_that() {
    let world = World::with(UnknownAddresses::Create).await;
    world.deliver(&[event_of("Jane@Example.com", "e1", 0, "email.replied")]).await;
    let jane = world.contact(JANE).await;
    assert_eq!((jane.profile.status, world.score(JANE).await), (Status::Pending, 10));
    assert_eq!(jane.profile.email_typed, "Jane@Example.com");
    world.deliver(&[event_of("joe@example.com", "e1", 0, "email.unsubscribed")]).await;
    assert_eq!(world.contact("joe@example.com").await.profile.status, Status::Unsubscribed);
}

#[tokio::test]
async fn a_contact_that_an_event_makes_at_a_suppressed_address_stays_suppressed() {
    let world = World::with(UnknownAddresses::Create).await;
    let suppression = Suppression { reason: SuppressionReason::Complaint, since: now(), source: None };
    let email = Email::parse(JANE).unwrap();
    world.store.suppress(&world.tenant, &email, &suppression, None).await.unwrap();
    world.deliver(&[event("e1", 0, "email.opened")]).await;
    let jane = world.contact(JANE).await;
    assert_eq!((jane.profile.status, jane.score), (Status::Unsubscribed, 1));
    assert_eq!(jane.profile.grounds.unwrap().reason, SuppressionReason::Complaint);
}

#[tokio::test]
async fn of_an_erased_person_nothing_is_kept() {
    for policy in [UnknownAddresses::Create, UnknownAddresses::Park] {
        let world = World::with(policy).await;
        let erased = Suppression { reason: SuppressionReason::Erased, since: now(), source: None };
        let email = Email::parse(JANE).unwrap();
        world.store.suppress(&world.tenant, &email, &erased, None).await.unwrap();
        assert!(world.deliver(&[event("e1", 0, "email.opened")]).await.is_empty());
        assert_eq!((world.standing(JANE).await, parked(&world).await), (Standing::Suppressed(erased), 0));
    }
}
