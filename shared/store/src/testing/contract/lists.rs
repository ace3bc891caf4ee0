//! Clauses on lists.

use model::rule::Rule;
use model::{List, ListBook, ListId, ListName, ListNumber, Profile, Tenant};
use uuid::Uuid;

use super::AnyStore;
use super::contacts::{change, create, done, now, profile, write};
use crate::testing::tenant;
use crate::{Consistency, Freshness, ListChange};

fn list(number: ListNumber, name: &str, query: Option<&str>) -> List {
    List {
        id: ListId(Uuid::new_v4()),
        number,
        name: ListName::parse(name).expect("a name"),
        rule: query.map(|query| Rule::parse(query).expect("a rule").rule),
        events: false,
        created_at: now(),
        updated_at: now(),
    }
}

async fn lists(store: &impl AnyStore, tenant: &Tenant) -> ListBook {
    store.lists(tenant, Freshness::Strong).await.expect("read").as_ref().clone()
}

/// So that a name stays unique, and rules without a cycle.
pub async fn a_list_changes_only_from_where_all_of_them_stand(store: &impl AnyStore) {
    let tenant = tenant();
    let none = lists(store, &tenant).await;
    assert_eq!((none.count(), none.revision()), (0, 0));
    let first = list(none.next_number(), "VIP", None);
    let changed = |read: ListBook, change| {
        let tenant = &tenant;
        async move { store.change_lists(tenant, &read, change).await.expect("change") }
    };
    assert!(changed(none.clone(), ListChange::Insert(first.clone())).await);
    let late = list(none.next_number(), "vip", None);
    assert!(!changed(none, ListChange::Insert(late)).await);
    let one = lists(store, &tenant).await;
    assert_eq!(one.iter().collect::<Vec<_>>(), [&first]);
    let second = list(one.next_number(), "Hot", Some("score:>50 AND list:VIP"));
    assert_ne!(second.number, first.number);
    assert!(changed(one.clone(), ListChange::Insert(second.clone())).await);
    assert!(!changed(one, ListChange::Remove(first.id)).await);
    let both = lists(store, &tenant).await;
    let renamed = List { name: ListName::parse("Best").expect("a name"), ..first };
    assert!(changed(both, ListChange::Replace(renamed.clone())).await);
    let both = lists(store, &tenant).await;
    assert_eq!(both.iter().collect::<Vec<_>>(), [&renamed, &second]);
    assert!(changed(both.clone(), ListChange::Remove(second.id)).await);
    let left = lists(store, &tenant).await;
    assert_eq!(left.iter().collect::<Vec<_>>(), [&renamed]);
    // Contacts may still hold the number of the one that went.
    assert_eq!(left.next_number(), both.next_number());
    assert_eq!(lists(store, &super::super::tenant()).await.count(), 0);
}

/// By address, by ordinal, and through a change of the address.
pub async fn a_contact_keeps_its_lists_wherever_it_goes(store: &impl AnyStore) {
    let tenant = tenant();
    let lists = [ListNumber(0), ListNumber(700)].into();
    let jane = create(store, &tenant, Profile { lists, ..profile("jane@example.com") }).await;
    let found = store.by_ordinals(&tenant, &[jane.ordinal], Consistency::Strong).await.expect("read");
    assert_eq!(found, std::slice::from_ref(&jane));
    let email = profile("jane@example.org").email;
    done(write(store, &tenant, change(&jane, Profile { email, ..jane.profile.clone() })).await);
    let found = store.by_id(&tenant, jane.id).await.expect("read").expect("a contact");
    assert_eq!(found.profile.lists, jane.profile.lists);
}
