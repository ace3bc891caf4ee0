//! Clauses on the search index's table.

use index::{Generation, Item, ItemKey, Kind};
use uuid::Uuid;

use super::AnyStore;

/// Gives a partition that no other test has.
fn partition() -> [u8; 22] {
    Generation { tenant: Uuid::new_v4().into_bytes(), number: 0 }.partition(Kind::Terms, 1, 0)
}

fn key(partition: [u8; 22], sort: &[u8]) -> ItemKey {
    ItemKey { partition, sort: sort.to_vec() }
}

fn item(data: &[u8], nonce: u8) -> Item {
    Item { data: data.to_vec(), nonce: [nonce; 8] }
}

/// And may hold nothing.
pub async fn an_item_is_written_only_over_what_was_read(store: &impl AnyStore) {
    let key = key(partition(), b"a");
    assert_eq!(store.get(&key).await.expect("get"), None);
    assert!(store.put(&key, item(b"first", 1), None).await.expect("put"));
    assert!(!store.put(&key, item(b"second", 2), None).await.expect("put"));
    assert!(!store.put(&key, item(b"second", 2), Some([7; 8])).await.expect("put"));
    assert!(store.put(&key, item(b"", 2), Some([1; 8])).await.expect("put"));
    assert_eq!(store.get(&key).await.expect("get"), Some(item(b"", 2)));
    let absent = self::key(partition(), b"a");
    let keys = [key.clone(), absent, key];
    let found = store.get_many(&keys).await.expect("get");
    assert_eq!(found, [Some(item(b"", 2)), None, Some(item(b"", 2))]);
}

/// Keys are bytes: their order is that of unsigned numbers.
pub async fn a_partition_is_read_in_order_and_by_its_starts(store: &impl AnyStore) {
    let (mine, other) = (partition(), partition());
    for sort in [&b"ab\xff"[..], b"b", b"ab", b"ab\x00", b"\xff", b"a"] {
        assert!(store.put(&key(mine, sort), item(sort, 1), None).await.expect("put"));
    }
    assert!(store.put(&key(other, b"ab"), item(b"other", 1), None).await.expect("put"));
    let read = async |start: &[u8]| {
        let found = store.query(&mine, start, usize::MAX).await.expect("query");
        assert!(found.iter().all(|(sort, data)| sort == data));
        let strong = store.query_strong(&mine, start, |sort| sort != b"ab").await.expect("query");
        let wanted = found.iter().filter(|(sort, _)| sort != b"ab").map(|(sort, data)| (sort, data));
        assert!(strong.iter().map(|(sort, item)| (sort, &item.data)).eq(wanted));
        found.into_iter().map(|(sort, _)| sort).collect::<Vec<_>>()
    };
    assert_eq!(read(b"").await, [&b"a"[..], b"ab", b"ab\x00", b"ab\xff", b"b", b"\xff"]);
    assert_eq!(read(b"ab").await, [&b"ab"[..], b"ab\x00", b"ab\xff"]);
    assert!(read(b"c").await.is_empty());
}

/// More than one call takes, and some that were not there.
pub async fn removed_items_are_gone_and_the_others_stay(store: &impl AnyStore) {
    let partition = partition();
    for number in 0..60_u8 {
        assert!(store.put(&key(partition, &[number]), item(b"x", 1), None).await.expect("put"));
    }
    let gone: Vec<ItemKey> = (1..70_u8).map(|number| key(partition, &[number])).collect();
    store.remove(&gone).await.expect("remove");
    store.remove(&gone).await.expect("remove again");
    let left = store.query_strong(&partition, b"", |_| true).await.expect("query");
    assert_eq!(left, [(vec![0], item(b"x", 1))]);
    assert!(store.put(&key(partition, &[1]), item(b"y", 2), None).await.expect("put"));
}

/// A page of the table ends at one megabyte.
pub async fn a_partition_of_many_pages_is_read_whole(store: &impl AnyStore) {
    let partition = partition();
    for number in 0..6_u8 {
        let item = Item { data: vec![number; 250_000], nonce: [number; 8] };
        assert!(store.put(&key(partition, &[number + 1]), item, None).await.expect("put"));
    }
    let found = store.query(&partition, b"", usize::MAX).await.expect("query");
    assert_eq!(found.iter().map(|(sort, _)| sort[0]).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert!(found.iter().all(|(_, data)| data.len() == 250_000));
}
