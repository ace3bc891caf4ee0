//! Clauses on contacts whose person had everything erased.

use chrono::TimeDelta;
use model::{Consent, Contact, Profile, Standing, Status, Suppression, Tenant};

use super::AnyStore;
use super::contacts::{at, change, create, creation, done, held, now, profile, write};
use crate::testing::tenant;
use crate::{NewContact, Write, Written};

fn consent(day: i64) -> Consent {
    Consent {
        source: "form".into(),
        method: "double_opt_in".into(),
        captured_at: now() - TimeDelta::days(day),
        text: "yes, please".into(),
    }
}

async fn log_length(store: &impl AnyStore, tenant: &Tenant, contact: &Contact) -> usize {
    store.consents(tenant, contact.id).await.expect("log").len()
}

/// Not its id, not its log, not that it was unsubscribed; and the address is taken by who read that.
pub async fn an_erased_contact_leaves_only_that_it_was_erased(store: &impl AnyStore) {
    let tenant = tenant();
    let gone = Profile { status: Status::Unsubscribed, ..profile("jane@example.com") };
    let contact = create(store, &tenant, gone).await;
    store.record_consent(&tenant, contact.id, &consent(1), now()).await.expect("record");
    let other = create(store, &tenant, profile("john@example.com")).await;
    store.record_consent(&tenant, other.id, &consent(1), now()).await.expect("record");

    assert_eq!(done(store.erase(&tenant, &contact, now()).await.expect("erase")), contact);
    let erased = Suppression::erased(now());
    assert_eq!(at(store, &tenant, "jane@example.com").await, Standing::Suppressed(erased.clone()));
    assert_eq!(store.by_id(&tenant, contact.id).await.expect("read"), None);
    assert_eq!(log_length(store, &tenant, &contact).await, 0);
    assert_eq!(log_length(store, &tenant, &other).await, 1);
    assert_eq!(store.page(&tenant, None, 10).await.expect("page").contacts, [other]);

    let unaware = write(store, &tenant, creation(profile("jane@example.com"))).await;
    let standing = Standing::Suppressed(erased.clone());
    assert_eq!(unaware, Written::Lost { email: contact.profile.email.clone(), standing });
    let aware = NewContact {
        replaces: Some(erased),
        consent: Some(consent(0)),
        ..NewContact::of(profile("jane@example.com"))
    };
    let back = done(write(store, &tenant, Write::Create(Box::new(aware))).await);
    assert_ne!(back.id, contact.id);
    assert_eq!(log_length(store, &tenant, &back).await, 1);
}

/// The log of a contact that stays is needed.
pub async fn an_erasure_of_what_changed_since_changes_nothing(store: &impl AnyStore) {
    let tenant = tenant();
    let first = create(store, &tenant, profile("jane@example.com")).await;
    store.record_consent(&tenant, first.id, &consent(1), now()).await.expect("record");
    let acme = Profile { company: Some("Acme".into()), ..first.profile.clone() };
    let second = done(write(store, &tenant, change(&first, acme)).await);
    let lost = store.erase(&tenant, &first, now()).await.expect("erase");
    assert_eq!(lost, Written::Lost { email: first.profile.email.clone(), standing: held(&second) });
    assert_eq!(store.by_id(&tenant, first.id).await.expect("read"), Some(second.clone()));
    assert_eq!(log_length(store, &tenant, &second).await, 1);
    let elsewhere = store.erase(&crate::testing::tenant(), &second, now()).await.expect("erase");
    assert!(matches!(elsewhere, Written::Lost { standing: Standing::Free, .. }), "{elsewhere:?}");
}

/// However much there is of it.
pub async fn an_erasure_takes_a_long_log_along(store: &impl AnyStore) {
    let tenant = tenant();
    let contact = create(store, &tenant, profile("jane@example.com")).await;
    for day in 0..150 {
        store.record_consent(&tenant, contact.id, &consent(day), now()).await.expect("record");
    }
    done(store.erase(&tenant, &contact, now()).await.expect("erase"));
    assert_eq!(log_length(store, &tenant, &contact).await, 0);
}
