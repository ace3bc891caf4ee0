//! Clauses on contacts that stay at their address.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use model::{
    Consent, Contact, ContactId, Email, Ordinal, Origin, Profile, Standing, Status, Suppression,
    SuppressionReason, Tenant,
};

use super::AnyStore;
use crate::testing::tenant;
use crate::{Consistency, NewContact, ProfileUpdate, StoreError, Write, Written};

pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_000_000_123).expect("a time")
}

pub(super) fn profile(email: &str) -> Profile {
    Profile::new(Email::parse(email).expect("an address"), email, Status::Active)
}

pub(super) fn creation(profile: Profile) -> Write {
    Write::Create(Box::new(NewContact::of(profile)))
}

pub(super) fn change(before: &Contact, profile: Profile) -> Write {
    Write::Update(Box::new(ProfileUpdate {
        before: before.clone(),
        profile,
        replaces: None,
        consent: None,
        origin: None,
    }))
}

pub(super) async fn write(store: &impl AnyStore, tenant: &Tenant, write: Write) -> Written {
    let mut written = store.write(tenant, vec![write], now()).await.expect("write");
    written.pop().expect("one answer").expect("written")
}

pub(super) async fn create(store: &impl AnyStore, tenant: &Tenant, profile: Profile) -> Contact {
    done(write(store, tenant, creation(profile)).await)
}

pub(super) fn done(written: Written) -> Contact {
    match written {
        Written::Done(contact) => *contact,
        Written::Lost { .. } => panic!("the write lost its race: {written:?}"),
    }
}

pub(super) async fn at(store: &impl AnyStore, tenant: &Tenant, email: &str) -> Standing {
    let email = Email::parse(email).expect("an address");
    store.standings(tenant, &[email]).await.expect("read").pop().expect("one answer")
}

pub(super) fn held(contact: &Contact) -> Standing {
    Standing::Held(Box::new(contact.clone()))
}

/// A second create of an address answers with what is there.
pub async fn create_never_overwrites(store: &impl AnyStore) {
    let tenant = tenant();
    let first = create(store, &tenant, profile("jane@example.com")).await;
    let second = Profile { company: Some("Other".into()), ..profile("jane@example.com") };
    let lost = write(store, &tenant, creation(second)).await;
    assert_eq!(lost, Written::Lost { email: first.profile.email.clone(), standing: held(&first) });
    assert_eq!(at(store, &tenant, "jane@example.com").await, held(&first));
}

/// Answers come in the order of the writes.
pub async fn one_batch_creates_one_contact_an_address(store: &impl AnyStore) {
    let tenant = tenant();
    let emails: Vec<String> = (0..60).map(|n| format!("person-{n}@example.com")).collect();
    let writes = emails.iter().map(|email| creation(profile(email))).collect();
    let written = store.write(&tenant, writes, now()).await.expect("write");
    let created: Vec<Contact> = written.into_iter().map(|w| done(w.expect("written"))).collect();
    let asked: Vec<Email> = emails.iter().map(|email| Email::parse(email).expect("an address")).collect();
    let standings = store.standings(&tenant, &asked).await.expect("read");
    assert_eq!(standings, created.iter().map(held).collect::<Vec<_>>());
    let ids: BTreeSet<ContactId> = created.iter().map(|contact| contact.id).collect();
    assert_eq!(ids.len(), 60);
}

/// All others hear of the one that won.
pub async fn sixty_four_writers_of_one_email_create_one_contact(store: &impl AnyStore) {
    let tenant = tenant();
    let writes = (0..64).map(|_| write(store, &tenant, creation(profile("jane@example.com"))));
    let mut created = Vec::new();
    let mut found = Vec::new();
    for written in join_all(writes).await {
        match written {
            Written::Done(contact) => created.push(contact.id),
            Written::Lost { standing: Standing::Held(contact), .. } => found.push(contact.id),
            Written::Lost { standing, .. } => panic!("a writer lost to {standing:?}"),
        }
    }
    assert_eq!(created.len(), 1);
    assert_eq!(found, vec![created[0]; 63]);
    let page = store.page(&tenant, None, 100).await.expect("page");
    assert_eq!(page.contacts.len(), 1);
}

/// Both reads see the write at once.
pub async fn a_contact_is_found_by_address_and_by_id(store: &impl AnyStore) {
    let tenant = tenant();
    let full = Profile {
        first_name: Some("Jane".into()),
        tags: BTreeSet::from([model::Tag::parse("partner").expect("a tag")]),
        ..profile("jane@example.com")
    };
    let origin =
        Some(Origin::Row { job: uuid::Uuid::new_v4(), row: 12, created: true, indexed_by_import: true });
    let new = NewContact { origin: origin.clone(), ..NewContact::of(full) };
    let contact = done(write(store, &tenant, Write::Create(Box::new(new))).await);
    assert_eq!((contact.version, &contact.origin), (1, &origin));
    assert_eq!(store.by_id(&tenant, contact.id).await.expect("read"), Some(contact.clone()));
    assert_eq!(at(store, &tenant, "jane@example.com").await, held(&contact));
    assert_eq!(at(store, &tenant, "john@example.com").await, Standing::Free);
    // Its ordinal, but not its id.
    let stranger = ContactId::new(contact.ordinal, &tenant.secret.id_key(), [9; 12]);
    assert_eq!(store.by_id(&tenant, stranger).await.expect("read"), None);
}

/// Neither by address, nor by id, nor in a walk.
pub async fn no_tenant_sees_another(store: &impl AnyStore) {
    let (mine, other) = (tenant(), tenant());
    let contact = create(store, &mine, profile("jane@example.com")).await;
    assert_eq!(at(store, &other, "jane@example.com").await, Standing::Free);
    assert_eq!(store.by_id(&other, contact.id).await.expect("read"), None);
    assert!(store.page(&other, None, 10).await.expect("page").contacts.is_empty());
    let theirs = create(store, &other, profile("jane@example.com")).await;
    assert_ne!(theirs.id, contact.id);
}

/// The loser hears what stands there now.
pub async fn an_update_needs_the_version_that_was_read(store: &impl AnyStore) {
    let tenant = tenant();
    let first = create(store, &tenant, profile("jane@example.com")).await;
    let acme = Profile { company: Some("Acme".into()), ..first.profile.clone() };
    let second = done(write(store, &tenant, change(&first, acme)).await);
    assert_eq!((second.id, second.version), (first.id, 2));
    let late = Profile { company: Some("Late".into()), ..first.profile.clone() };
    let lost = write(store, &tenant, change(&first, late)).await;
    assert_eq!(lost, Written::Lost { email: first.profile.email.clone(), standing: held(&second) });
}

/// Not even half a contact comes back.
pub async fn an_update_after_a_delete_makes_no_ghost(store: &impl AnyStore) {
    let tenant = tenant();
    let contact = create(store, &tenant, profile("jane@example.com")).await;
    store.delete(&tenant, &contact, now()).await.expect("delete");
    let acme = Profile { company: Some("Acme".into()), ..contact.profile.clone() };
    let lost = write(store, &tenant, change(&contact, acme)).await;
    assert_eq!(lost, Written::Lost { email: contact.profile.email.clone(), standing: Standing::Free });
    assert_eq!(at(store, &tenant, "jane@example.com").await, Standing::Free);
}

/// The next contact there is another one.
pub async fn a_plain_delete_frees_the_address(store: &impl AnyStore) {
    let tenant = tenant();
    let first = create(store, &tenant, profile("jane@example.com")).await;
    let stale = Contact { version: 7, ..first.clone() };
    let lost = store.delete(&tenant, &stale, now()).await.expect("delete");
    assert!(matches!(lost, Written::Lost { .. }));
    done(store.delete(&tenant, &first, now()).await.expect("delete"));
    assert_eq!(store.by_id(&tenant, first.id).await.expect("read"), None);
    assert!(store.page(&tenant, None, 10).await.expect("page").contacts.is_empty());
    let second = create(store, &tenant, profile("jane@example.com")).await;
    assert_ne!(second.id, first.id);
    assert_eq!(store.by_id(&tenant, first.id).await.expect("read"), None);
}

/// And who did not read it cannot create over it.
pub async fn a_deleted_unsubscribe_stays_at_the_address(store: &impl AnyStore) {
    let tenant = tenant();
    let gone = Profile { status: Status::Unsubscribed, ..profile("jane@example.com") };
    let contact = create(store, &tenant, gone).await;
    done(store.delete(&tenant, &contact, now()).await.expect("delete"));
    assert_eq!(store.by_id(&tenant, contact.id).await.expect("read"), None);
    let suppression = Suppression { reason: SuppressionReason::Unsubscribed, since: now(), source: None };
    let suppressed = Standing::Suppressed(suppression.clone());
    assert_eq!(at(store, &tenant, "jane@example.com").await, suppressed);

    let unaware = write(store, &tenant, creation(profile("jane@example.com"))).await;
    assert_eq!(unaware, Written::Lost { email: contact.profile.email.clone(), standing: suppressed });
    let unsubscribed = Profile { status: Status::Unsubscribed, ..profile("jane@example.com") };
    let aware = NewContact { replaces: Some(suppression), ..NewContact::of(unsubscribed) };
    let back = done(write(store, &tenant, Write::Create(Box::new(aware))).await);
    assert_eq!(back.profile.status, Status::Unsubscribed);
}

/// Also while contacts come and go.
pub async fn a_walk_gives_each_contact_once_and_the_newest_first(store: &impl AnyStore) {
    let tenant = tenant();
    let writes = (0..130).map(|n| creation(profile(&format!("person-{n}@example.com")))).collect();
    let written = store.write(&tenant, writes, now()).await.expect("write");
    let created: Vec<Contact> = written.into_iter().map(|w| done(w.expect("written"))).collect();
    store.delete(&tenant, &created[40], now()).await.expect("delete");

    let mut seen = Vec::new();
    let mut below = None;
    loop {
        let page = store.page(&tenant, below, 7).await.expect("page");
        assert!(page.contacts.len() <= 7);
        seen.extend(page.contacts.into_iter().map(|contact| contact.ordinal));
        if seen.len() == 7 {
            create(store, &tenant, profile("late@example.com")).await;
        }
        below = page.next_below;
        if below.is_none() {
            break;
        }
    }
    let mut expected: Vec<_> = created.iter().map(|contact| contact.ordinal).collect();
    expected.remove(40);
    expected.sort_by_key(|ordinal| std::cmp::Reverse(*ordinal));
    assert_eq!(seen, expected);
}

/// Thousands of ordinals that were leased and never used cost no reads.
pub async fn a_walk_crosses_holes(store: &impl AnyStore) {
    let tenant = tenant();
    let low = create(store, &tenant, profile("low@example.com")).await;
    for _ in 0..3 {
        // Each of these loses its race, and its ordinals with it.
        let losers = (0..1_000).map(|_| creation(profile("low@example.com"))).collect();
        store.write(&tenant, losers, now()).await.expect("write");
    }
    let high = create(store, &tenant, profile("high@example.com")).await;
    let mut seen = Vec::new();
    let mut below = None;
    for _ in 0..200 {
        let page = store.page(&tenant, below, 10).await.expect("page");
        seen.extend(page.contacts.into_iter().map(|contact| contact.id));
        below = page.next_below;
        if below.is_none() {
            break;
        }
    }
    assert_eq!(seen, vec![high.id, low.id]);
}

/// A deleted one is not; and an ordinal of another tenant means nothing.
pub async fn contacts_are_found_by_their_ordinals(store: &impl AnyStore) {
    let (tenant, other) = (tenant(), tenant());
    let kept = create(store, &tenant, profile("kept@example.com")).await;
    let deleted = create(store, &tenant, profile("deleted@example.com")).await;
    store.delete(&tenant, &deleted, now()).await.expect("delete");
    let ordinals = [deleted.ordinal, kept.ordinal, Ordinal(u32::MAX)];
    for consistency in [Consistency::Strong, Consistency::Eventual] {
        let found = store.by_ordinals(&tenant, &ordinals, consistency).await.expect("read");
        assert_eq!(found.into_iter().map(|contact| contact.id).collect::<Vec<_>>(), [kept.id]);
        assert!(store.by_ordinals(&other, &ordinals, consistency).await.expect("read").is_empty());
    }
}

/// Nobody else gets one of them meanwhile, and they are given as they were asked for.
pub async fn reserved_ordinals_are_those_of_whoever_is_created_with_them(store: &impl AnyStore) {
    let tenant = tenant();
    let first = store.reserve(&tenant, 70).await.expect("reserve").0;
    let next = store.reserve(&tenant, 30).await.expect("reserve").0;
    assert!(next >= first + 70 && store.ordinals(&tenant).await.expect("read").0 >= next + 30);
    let wanted = [None, Some(next + 29), Some(first + 69), None, Some(first)];
    let creates = wanted.iter().enumerate().map(|(n, ordinal)| {
        let profile = profile(&format!("p{n}@example.com"));
        Write::Create(Box::new(NewContact { ordinal: ordinal.map(Ordinal), ..NewContact::of(profile) }))
    });
    let written = store.write(&tenant, creates.collect(), now()).await.expect("write");
    for (wanted, written) in wanted.into_iter().zip(written) {
        let Ordinal(ordinal) = done(written.expect("written")).ordinal;
        assert!(wanted.is_none_or(|wanted| wanted == ordinal));
        assert!(wanted.is_some() || !(first..next + 30).contains(&ordinal), "{ordinal}");
    }
}

/// Of one tenant only, and past the borders of what lies together.
pub async fn every_address_is_shown_with_its_ordinal(store: &impl AnyStore) {
    let (tenant, other) = (tenant(), tenant());
    create(store, &other, profile("other@example.com")).await;
    let mut created = Vec::new();
    for n in 0..60 {
        let email = format!("person-{n}@example.com");
        let contact = create(store, &tenant, profile(&email)).await;
        created.push((contact.ordinal, email));
    }
    let mut shown = Vec::new();
    let see = &mut |ordinal: Ordinal, email: &Email| shown.push((ordinal, email.to_string()));
    store.each_address(&tenant, see).await.expect("read");
    shown.sort();
    created.sort();
    assert_eq!(shown, created);
}

/// The limit is the table's, and it costs only the one write.
pub async fn a_contact_past_400_kb_is_refused_and_its_neighbours_are_not(store: &impl AnyStore) {
    let tenant = tenant();
    let large = Profile { company: Some("x".repeat(410 * 1024)), ..profile("large@example.com") };
    let writes =
        vec![creation(profile("a@example.com")), creation(large), creation(profile("b@example.com"))];
    let written = store.write(&tenant, writes, now()).await.expect("write");
    assert!(matches!(written[0], Ok(Written::Done(_))));
    assert!(matches!(written[1], Err(StoreError::TooLarge { .. })), "{:?}", written[1]);
    assert!(matches!(written[2], Ok(Written::Done(_))));
}

/// However often it is given.
pub async fn consent_is_logged_once(store: &impl AnyStore) {
    let tenant = tenant();
    let consent = |day| Consent {
        source: "form".into(),
        method: "double_opt_in".into(),
        captured_at: now() - TimeDelta::days(day),
        text: "yes, please".into(),
    };
    let new = NewContact { consent: Some(consent(1)), ..NewContact::of(profile("jane@example.com")) };
    let contact = done(write(store, &tenant, Write::Create(Box::new(new))).await);
    store.record_consent(&tenant, contact.id, &consent(1), now()).await.expect("record");
    store.record_consent(&tenant, contact.id, &consent(2), now()).await.expect("record");
    let log = store.consents(&tenant, contact.id).await.expect("log");
    assert_eq!(log.iter().map(|e| e.consent.clone()).collect::<Vec<_>>(), [consent(2), consent(1)]);
}
