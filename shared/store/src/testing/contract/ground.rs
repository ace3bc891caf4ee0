//! Clauses on what tenants decide, allow, suppress and use.

use chrono::{NaiveDate, TimeDelta};
use futures::future::join_all;
use model::{
    AttributeType, Email, Field, FieldSlug, Generations, Profile, Settings, Standing, Status, Suppression,
    SuppressionReason, Sweep, UnknownAddresses, ZoneName,
};
use uuid::Uuid;

use super::AnyStore;
use super::contacts::{at, create, creation, done, held, now, profile, write};
use super::records::key_of;
use crate::testing::{stored_tenant, tenant};
use crate::{
    ApiKey, Consumed, FieldWrite, Freshness, KeyHash, LOADERS_A_TENANT, NewContact, UsageKind, UsageParts,
    UsageRecord, Write, Written,
};

fn day(number: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, number).expect("a day")
}

/// And stay until the next change.
pub async fn settings_belong_to_one_tenant(store: &impl AnyStore) {
    let (mine, other) = (stored_tenant(store).await, stored_tenant(store).await);
    let settings = Settings {
        time_zone: ZoneName::parse("Europe/Berlin").expect("a zone"),
        infer_attributes: false,
        unknown_addresses: UnknownAddresses::Create,
    };
    assert!(store.save_settings(mine.id, &settings).await.expect("save"));
    assert!(!store.save_settings(tenant().id, &settings).await.expect("save"));
    let read = async |id| store.tenant(id).await.expect("read").expect("a tenant").settings;
    assert_eq!((read(mine.id).await, read(other.id).await), (settings, Settings::default()));
}

/// Of two who go on at once one does.
pub async fn builds_of_an_index_go_on_only_from_where_they_were_read(store: &impl AnyStore) {
    let (mine, other) = (stored_tenant(store).await, stored_tenant(store).await);
    let none = Generations::default();
    let begun = none.begin(1_000, 60).expect("none is under way");
    let save = async |before, after| store.save_generations(mine.id, before, after).await.expect("save");
    assert!(save(&none, &begun).await);
    assert!(!save(&none, &begun).await);
    let switched = begun.built(65_536).and_then(|built| built.switch(2_000, 60)).expect("one is under way");
    assert!(save(&begun, &switched).await);
    assert!(!save(&begun, &begun.finish()).await);
    let read = async |id| store.tenant(id).await.expect("read").expect("a tenant").generations;
    assert_eq!((read(mine.id).await, read(other.id).await), (switched, none));
    assert!(!store.save_generations(tenant().id, &none, &begun).await.expect("save"));
    // Settings that are saved meanwhile leave them as they are.
    assert!(store.save_settings(mine.id, &mine.settings).await.expect("save"));
    assert_eq!(read(mine.id).await, switched);
}

/// Nobody revokes the key of another tenant.
pub async fn a_revoked_key_is_gone_and_the_others_are_listed(store: &impl AnyStore) {
    let (mine, other) = (stored_tenant(store).await, stored_tenant(store).await);
    let (hash, key) = key_of(&mine);
    let key = ApiKey { name: "ci".into(), expires_at: Some(now()), ..key };
    store.put_api_key(hash, &key).await.expect("put");
    let names = async |tenant: &model::Tenant| {
        let keys = store.api_keys(tenant.id).await.expect("list").into_iter();
        keys.map(|key| key.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&mine).await, ["first key", "ci"]);
    assert_eq!(names(&other).await, ["first key"]);
    store.touch_api_key(hash, day(23)).await.expect("touch");
    let used = ApiKey { last_used_on: Some(day(23)), ..key.clone() };
    assert_eq!(store.api_key(hash).await.expect("read"), Some(used));
    assert_eq!(store.revoke_api_key(other.id, key.id).await.expect("revoke"), None);
    assert_eq!(store.revoke_api_key(mine.id, key.id).await.expect("revoke"), Some(hash));
    assert_eq!(store.revoke_api_key(mine.id, key.id).await.expect("revoke"), None);
    assert_eq!(store.api_key(hash).await.expect("read"), None);
    store.touch_api_key(hash, day(24)).await.expect("touch");
    store.touch_api_key(KeyHash::of("nobody's"), day(24)).await.expect("touch");
    assert_eq!(store.api_key(hash).await.expect("read"), None);
    assert_eq!(names(&mine).await, ["first key"]);
}

fn slug(name: &str) -> FieldSlug {
    FieldSlug::from_name(name).expect("a slug")
}

/// So of two that change it one hears of the other.
pub async fn a_field_changes_only_from_where_it_stands(store: &impl AnyStore) {
    let tenant = tenant();
    let id = store.new_field_id(&tenant, AttributeType::Text).await.expect("id");
    let field = Field::new(id, slug("budget"), "Budget");
    assert!(store.insert_field(&tenant, &field).await.expect("insert"));
    assert!(!store.insert_field(&tenant, &field).await.expect("insert"));
    let number = store.new_field_id(&tenant, AttributeType::Number).await.expect("id");
    assert_ne!(number.number, id.number);
    let retyped = Field { required: true, default: Some("1".into()), ..field.clone() }
        .retyped(number, Sweep::from_ordinal(5));
    let written = store.replace_field(&tenant, &field, retyped.clone()).await.expect("replace");
    assert_eq!(written, FieldWrite::Done);
    let stored = store.fields(&tenant, Freshness::Strong).await.expect("fields");
    assert_eq!(stored.by_id(number), Some(&Field { revision: 1, ..retyped.clone() }));
    let again = store.replace_field(&tenant, &field, retyped).await.expect("replace");
    assert_eq!(again, FieldWrite::Changed);
    assert!(!store.remove_field(&tenant, &field).await.expect("remove"));
    let now = stored.by_id(number).expect("the field");
    assert!(store.remove_field(&tenant, now).await.expect("remove"));
    let left = store.fields(&tenant, Freshness::Strong).await.expect("fields");
    assert_eq!(left.count(), 0);
}

/// Its old name is free at once.
pub async fn a_renamed_field_keeps_its_id_and_never_takes_a_name(store: &impl AnyStore) {
    let tenant = tenant();
    let define = async |name: &str| {
        store.define_field(&tenant, &slug(name), name, AttributeType::Text).await.expect("define")
    };
    let (industry, city) = (define("industry").await, define("city").await);
    let named = |name: &str| Field { slug: slug(name), ..industry.clone() };
    let taken = store.replace_field(&tenant, &industry, named("city")).await.expect("replace");
    assert_eq!(taken, FieldWrite::SlugTaken);
    let done = store.replace_field(&tenant, &industry, named("sector")).await.expect("replace");
    assert_eq!(done, FieldWrite::Done);
    let stale = store.replace_field(&tenant, &industry, named("branch")).await.expect("replace");
    assert_eq!(stale, FieldWrite::Changed);
    let fields = store.fields(&tenant, Freshness::Strong).await.expect("fields");
    assert_eq!(fields.get(&slug("sector")).map(|field| field.id), Some(industry.id));
    assert_eq!((fields.get(&slug("industry")), fields.get(&slug("city"))), (None, Some(&city)));
    assert_ne!(define("industry").await.id, industry.id);
}

/// And each day and tenant has its own.
pub async fn usage_told_twice_counts_once(store: &impl AnyStore) {
    let (mine, other) = (tenant().id, tenant().id);
    let rows = |id: &str, amount| UsageRecord {
        kind: UsageKind::ImportedRows,
        id: id.to_owned(),
        amount,
        parts: UsageParts::default(),
        consumed: Consumed { write_units: 1.5, read_units: 0.5 },
        at: now(),
    };
    for record in [rows("a", 5), rows("b", 7), rows("a", 5)] {
        store.record_usage(mine, day(23), &record).await.expect("record");
    }
    let imports = UsageRecord { kind: UsageKind::Imports, amount: 1, ..rows("a", 0) };
    store.record_usage(mine, day(23), &imports).await.expect("record");
    let used = store.day_usage(mine, day(23)).await.expect("read");
    assert_eq!(used.amounts, [(UsageKind::Imports, 1), (UsageKind::ImportedRows, 12)].into());
    assert_eq!(used.consumed, Consumed { write_units: 4.5, read_units: 1.5 });
    let [first, second, third] = [1, 2, 3].map(Uuid::from_u128);
    for (id, parts) in [("d", vec![first, second]), ("e", vec![second, third])] {
        let parts: UsageParts = parts.into_iter().collect();
        let events = UsageRecord { kind: UsageKind::Events, parts, ..rows(id, 2) };
        store.record_usage(mine, day(21), &events).await.expect("record");
    }
    let used = store.day_usage(mine, day(21)).await.expect("read");
    assert_eq!(used.amounts, [(UsageKind::Events, 3)].into());
    assert_eq!(store.day_usage(mine, day(22)).await.expect("read"), Default::default());
    assert_eq!(store.day_usage(other, day(23)).await.expect("read"), Default::default());
}

/// By any number of instances.
pub async fn a_quota_is_shared_and_never_exceeded(store: &impl AnyStore) {
    let (mine, other) = (Uuid::new_v4(), Uuid::new_v4());
    let takes = (0..16).map(|_| store.take_quota(mine, 7, 10, 100));
    let taken = futures::future::join_all(takes).await;
    let mut taken: Vec<u32> = taken.into_iter().filter_map(|taken| taken.expect("take")).collect();
    taken.sort_unstable();
    assert_eq!(taken, (1..=10).map(|n| n * 10).collect::<Vec<u32>>());
    assert_eq!(store.take_quota(mine, 8, 10, 100).await.expect("take"), Some(10));
    assert_eq!(store.take_quota(other, 7, 10, 100).await.expect("take"), Some(10));
    assert_eq!(store.take_quota(other, 7, 200, 100).await.expect("take"), None);
}

fn suppression(reason: SuppressionReason) -> Suppression {
    let source = (reason != SuppressionReason::Erased).then(|| "crm".to_owned());
    Suppression { reason, since: now(), source }
}

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

/// And each tenant has its own.
pub async fn an_address_is_suppressed_where_no_contact_is(store: &impl AnyStore) {
    let tenant = tenant();
    let jane = create(store, &tenant, profile("jane@example.com")).await;
    let complaint = suppression(SuppressionReason::Complaint);
    let suppress = async |address: &str, replaces: Option<&Suppression>, with: &Suppression| {
        store.suppress(&tenant, &email(address), with, replaces).await.expect("suppress")
    };
    assert_eq!(suppress("jane@example.com", None, &complaint).await, Some(held(&jane)));
    assert_eq!(suppress("john@example.com", None, &complaint).await, None);
    let suppressed = Standing::Suppressed(complaint.clone());
    assert_eq!(at(store, &tenant, "john@example.com").await, suppressed);
    let manual = suppression(SuppressionReason::Manual);
    assert_eq!(suppress("john@example.com", None, &manual).await, Some(suppressed));
    assert_eq!(suppress("john@example.com", Some(&complaint), &manual).await, None);
    assert_eq!(at(store, &tenant, "john@example.com").await, Standing::Suppressed(manual));
    let elsewhere = crate::testing::tenant();
    assert_eq!(at(store, &elsewhere, "john@example.com").await, Standing::Free);
    assert_eq!(store.page(&tenant, None, 10).await.expect("page").contacts, [jane]);
}

/// When its contact goes away, and when it comes back.
pub async fn the_reason_of_a_suppression_outlives_its_contact(store: &impl AnyStore) {
    let tenant = tenant();
    let complaint = suppression(SuppressionReason::Complaint);
    let grounds = Some(complaint.grounds());
    let unsubscribed = Profile { status: Status::Unsubscribed, grounds, ..profile("jane@example.com") };
    let jane = create(store, &tenant, unsubscribed).await;
    assert_eq!(at(store, &tenant, "jane@example.com").await, held(&jane));
    done(store.delete(&tenant, &jane, now()).await.expect("delete"));
    assert_eq!(at(store, &tenant, "jane@example.com").await, Standing::Suppressed(complaint));
}

/// By who asks for that very address, alone or among others, and by nobody else.
pub async fn an_erased_address_is_known_again(store: &impl AnyStore) {
    let tenant = tenant();
    let erased = suppression(SuppressionReason::Erased);
    let address = email("gone@example.com");
    assert_eq!(store.suppress(&tenant, &address, &erased, None).await.expect("suppress"), None);
    assert_eq!(at(store, &tenant, "gone@example.com").await, Standing::Suppressed(erased.clone()));
    let asked = [email("a@example.com"), address.clone(), email("b@example.com")];
    let standings = store.standings(&tenant, &asked).await.expect("read");
    assert_eq!(standings, [Standing::Free, Standing::Suppressed(erased.clone()), Standing::Free]);
    let unaware = write(store, &tenant, creation(profile("gone@example.com"))).await;
    let standing = Standing::Suppressed(erased.clone());
    assert_eq!(unaware, Written::Lost { email: address.clone(), standing });
    let new = NewContact { replaces: Some(erased), ..NewContact::of(profile("gone@example.com")) };
    let back = done(write(store, &tenant, Write::Create(Box::new(new))).await);
    assert_eq!(at(store, &tenant, "gone@example.com").await, held(&back));
}

/// Page by page, and no contact among them; of the erased not even the address.
pub async fn suppressions_are_listed_each_once(store: &impl AnyStore) {
    let tenant = tenant();
    let mut expected = Vec::new();
    for number in 0..40 {
        create(store, &tenant, profile(&format!("person-{number}@example.com"))).await;
        let reason = if number == 7 { SuppressionReason::Erased } else { SuppressionReason::Complaint };
        let (address, suppression) = (email(&format!("gone-{number}@example.com")), suppression(reason));
        store.suppress(&tenant, &address, &suppression, None).await.expect("suppress");
        expected.push(((number != 7).then(|| address.to_string()), reason));
    }
    store
        .suppress(
            &crate::testing::tenant(),
            &email("theirs@example.com"),
            &suppression(SuppressionReason::Manual),
            None,
        )
        .await
        .expect("suppress");
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = store.suppressions(&tenant, after, 7).await.expect("list");
        assert!(page.suppressions.len() <= 7);
        let shown = page.suppressions.into_iter();
        listed.extend(shown.map(|(email, known)| (email.map(|email| email.to_string()), known.reason)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    expected.sort();
    listed.sort();
    assert_eq!(listed, expected);
}

/// Memories of others are none.
pub async fn contacts_are_counted_where_they_lie(store: &impl AnyStore) {
    let tenant = tenant();
    assert_eq!(store.count(&tenant).await.expect("count"), 0);
    for number in 0..40 {
        create(store, &tenant, profile(&format!("person-{number}@example.com"))).await;
    }
    let gone = Profile { status: Status::Unsubscribed, ..profile("gone@example.com") };
    let gone = create(store, &tenant, gone).await;
    assert_eq!(store.count(&tenant).await.expect("count"), 41);
    done(store.delete(&tenant, &gone, now()).await.expect("delete"));
    create(store, &crate::testing::tenant(), profile("theirs@example.com")).await;
    assert_eq!(store.count(&tenant).await.expect("count"), 40);
}

/// And gets the place of one that ended, or that was not heard of for too long.
pub async fn a_tenant_has_so_many_loaders_at_once(store: &impl AnyStore) {
    let (mine, other) = (tenant().id, tenant().id);
    let until = now() + TimeDelta::minutes(16);
    let work: Vec<String> = (0..16).map(|number| format!("range#{number}")).collect();
    let takes = work.iter().map(|work| store.take_loader(mine, work, now(), until));
    let taken: Vec<bool> = join_all(takes).await.into_iter().map(|taken| taken.expect("take")).collect();
    assert_eq!(taken.iter().filter(|taken| **taken).count(), usize::from(LOADERS_A_TENANT));
    let takes = async |tenant, work: &str, now| {
        store.take_loader(tenant, work, now, now + TimeDelta::minutes(16)).await.expect("take")
    };
    let (working, waiting) = (place_of(&taken, true), place_of(&taken, false));
    let (working, waiting) = (&work[working], &work[waiting]);
    assert!(takes(mine, working, now()).await);
    assert!(!takes(mine, waiting, now()).await);
    assert!(takes(other, waiting, now()).await);
    store.leave_loader(mine, working).await.expect("leave");
    assert!(takes(mine, waiting, now()).await);
    assert!(!takes(mine, working, now()).await);
    assert!(takes(mine, working, until + TimeDelta::minutes(1)).await);
}

fn place_of(taken: &[bool], wanted: bool) -> usize {
    taken.iter().position(|taken| *taken == wanted).expect("one of these")
}
