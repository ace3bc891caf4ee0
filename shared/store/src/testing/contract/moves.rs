//! Clauses on contacts that change their address.

use model::{Contact, Email, Profile, Standing, Status};

use super::AnyStore;
use super::contacts::{at, change, create, done, held, now, profile, write};
use crate::Written;
use crate::testing::tenant;

fn moved(contact: &Contact, email: &str) -> Profile {
    Profile {
        email: Email::parse(email).expect("an address"),
        email_typed: email.to_owned(),
        ..contact.profile.clone()
    }
}

/// And is one contact in a walk.
pub async fn an_email_change_keeps_the_id(store: &impl AnyStore) {
    let tenant = tenant();
    let before = create(store, &tenant, profile("jane@example.com")).await;
    let after = done(write(store, &tenant, change(&before, moved(&before, "jane.doe@example.com"))).await);
    assert_eq!((after.id, after.ordinal, after.version), (before.id, before.ordinal, 2));
    assert_eq!(store.by_id(&tenant, before.id).await.expect("read"), Some(after.clone()));
    assert_eq!(at(store, &tenant, "jane@example.com").await, Standing::Free);
    assert_eq!(at(store, &tenant, "jane.doe@example.com").await, held(&after));
    assert_eq!(store.page(&tenant, None, 10).await.expect("page").contacts, [after]);
}

/// Both contacts stay as they were.
pub async fn an_email_change_to_a_taken_address_changes_nothing(store: &impl AnyStore) {
    let tenant = tenant();
    let jane = create(store, &tenant, profile("jane@example.com")).await;
    let john = create(store, &tenant, profile("john@example.com")).await;
    let lost = write(store, &tenant, change(&jane, moved(&jane, "john@example.com"))).await;
    assert_eq!(lost, Written::Lost { email: john.profile.email.clone(), standing: held(&john) });
    assert_eq!(store.by_id(&tenant, jane.id).await.expect("read"), Some(jane));
    assert_eq!(store.by_id(&tenant, john.id).await.expect("read"), Some(john));
}

/// The old address answers with what stands there.
pub async fn an_email_change_of_what_changed_since_changes_nothing(store: &impl AnyStore) {
    let tenant = tenant();
    let first = create(store, &tenant, profile("jane@example.com")).await;
    let acme = Profile { company: Some("Acme".into()), ..first.profile.clone() };
    let second = done(write(store, &tenant, change(&first, acme)).await);
    let lost = write(store, &tenant, change(&first, moved(&first, "new@example.com"))).await;
    assert_eq!(lost, Written::Lost { email: first.profile.email.clone(), standing: held(&second) });
    assert_eq!(at(store, &tenant, "new@example.com").await, Standing::Free);
}

/// The address that did not want mail does not want it from the next contact either.
pub async fn an_email_change_leaves_an_unsubscribe_behind(store: &impl AnyStore) {
    let tenant = tenant();
    let gone = Profile { status: Status::Bounced, ..profile("jane@example.com") };
    let before = create(store, &tenant, gone).await;
    done(write(store, &tenant, change(&before, moved(&before, "new@example.com"))).await);
    let left = at(store, &tenant, "jane@example.com").await;
    let Standing::Suppressed(suppression) = left else { panic!("{left:?}") };
    assert_eq!((suppression.status(), suppression.since), (Status::Bounced, now()));
}
