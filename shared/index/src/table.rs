//! The table as the index needs it.

use std::future::Future;

use futures::{StreamExt, TryStreamExt, stream};

/// Items that are read side by side.
const GETS_AT_ONCE: usize = 32;

/// Marks one write of an item: random, because a counter that starts again over a deleted item
/// would let an old writer through.
pub type Nonce = [u8; 8];

/// Is the key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemKey {
    /// The partition.
    pub partition: [u8; 22],
    /// The place in it.
    pub sort: Vec<u8>,
}

/// Is what lies under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// An encoded set or column.
    pub data: Vec<u8>,
    /// Of the write that wrote it.
    pub nonce: Nonce,
}

/// Is what a query finds: a sort key and the data under it.
pub type Found = (Vec<u8>, Vec<u8>);

/// Keeps the index.
pub trait IndexTable: Send + Sync {
    /// Why a call failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads an item, strongly consistent.
    fn get(&self, key: &ItemKey) -> impl Future<Output = Result<Option<Item>, Self::Error>> + Send;

    /// Reads items, strongly consistent, each at a moment of its own, and gives them in the order of
    /// their keys.
    fn get_many(
        &self,
        keys: &[ItemKey],
    ) -> impl Future<Output = Result<Vec<Option<Item>>, Self::Error>> + Send {
        // Side by side, unless the table knows better.
        let gets: Vec<_> = keys.iter().map(|key| self.get(key)).collect();
        stream::iter(gets).buffered(GETS_AT_ONCE).try_collect()
    }

    /// Reads a partition's items whose sort keys start like this, in the order of their keys,
    /// strongly consistent: each at a moment after the call, and one that is not given was not
    /// there at such a moment. Of those read, the ones whose sort key is wanted are kept.
    fn query_strong(
        &self,
        partition: &[u8; 22],
        start: &[u8],
        is_wanted: impl Fn(&[u8]) -> bool + Send + Sync,
    ) -> impl Future<Output = Result<Vec<(Vec<u8>, Item)>, Self::Error>> + Send;

    /// Reads the sort keys and data of a partition's items whose sort keys start like this, in the
    /// order of their keys: all of them, or else more than `most`. What was written just before may
    /// be missing.
    fn query(
        &self,
        partition: &[u8; 22],
        start: &[u8],
        most: usize,
    ) -> impl Future<Output = Result<Vec<Found>, Self::Error>> + Send;

    /// Writes an item if what lies there is still what was seen: an item of this nonce, or nothing.
    /// False when it is not. An error says nothing: the write may come into effect, also later.
    fn put(
        &self,
        key: &ItemKey,
        item: Item,
        seen: Option<Nonce>,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Removes items, whatever they hold; those that are not there are gone already. Only of a
    /// generation that nobody writes any more: an old writer could fill the gap.
    fn remove(&self, keys: &[ItemKey]) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Waits before an item that somebody else wrote meanwhile is read again, the longer the more
    /// attempts there were, and a random part of it.
    fn pause(&self, attempt: u32) -> impl Future<Output = ()> + Send;
}
