//! Clauses on what is told of segments.

use chrono::TimeDelta;
use index::{Generation, Item, ItemKey, Kind};
use model::{Cause, ContactId, Direction, ListId, Transition};
use uuid::Uuid;

use super::AnyStore;
use super::contacts::now;
use crate::testing::tenant;
use crate::{SegmentClock, Transitions};

/// Whoever is behind learns what it shows.
pub async fn the_clock_of_segments_never_goes_back(store: &impl AnyStore) {
    let tenant = tenant().id;
    let advance = async |by: i64| {
        store.advance_segments(tenant, now() + TimeDelta::seconds(by)).await.expect("advance")
    };
    let at = |by: i64| Some(now() + TimeDelta::seconds(by));
    assert_eq!(advance(5).await, SegmentClock { at: at(5), looked_at: None });
    assert_eq!(advance(3).await.at, at(5));
    assert_eq!(advance(5).await.at, at(5));
    store.segments_looked_at(tenant, now()).await.expect("note");
    assert_eq!(advance(4).await, SegmentClock { at: at(5), looked_at: at(0) });
    assert_eq!(advance(9).await, SegmentClock { at: at(9), looked_at: at(0) });
}

/// And waits until it was told.
pub async fn members_and_what_they_tell_are_written_together_or_not_at_all(store: &impl AnyStore) {
    let tenant = tenant().id;
    let partition = Generation { tenant: tenant.0.into_bytes(), number: 0 }.partition(Kind::Members, 1, 0);
    let key = ItemKey { partition, sort: vec![0, 1] };
    let item = |nonce: u8| Item { data: vec![b'L', nonce, 0], nonce: [nonce; 8] };
    let tells = |seconds: i64| Transitions {
        id: Uuid::new_v4(),
        list: ListId(Uuid::new_v4()),
        at: now() + TimeDelta::seconds(seconds),
        contacts: [Direction::Entered, Direction::Exited]
            .map(|direction| Transition(ContactId::from_uuid(Uuid::new_v4()), 7, direction, Cause::Clock))
            .to_vec(),
    };
    let (second, first, never) = (tells(9), tells(1), tells(5));
    let put = async |nonce, seen: Option<u8>, tells| {
        let seen = seen.map(|seen| [seen; 8]);
        store.put_members(tenant, &key, item(nonce), seen, tells).await.expect("put")
    };
    assert!(put(1, None, &second).await);
    assert!(!put(2, None, &never).await);
    assert!(!put(2, Some(7), &never).await);
    assert!(put(3, Some(1), &first).await);
    assert_eq!(store.get(&key).await.expect("get"), Some(item(3)));
    assert_eq!(store.untold(tenant).await.expect("read"), [first.clone(), second.clone()]);
    for _ in 0..2 {
        store.told(tenant, &first).await.expect("forget");
    }
    assert_eq!(store.untold(tenant).await.expect("read"), [second]);
    assert!(store.untold(super::super::tenant().id).await.expect("read").is_empty());
}
