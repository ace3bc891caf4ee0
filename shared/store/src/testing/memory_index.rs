use index::{Found, IndexTable, Item, ItemKey, Nonce};

use super::MemoryStore;
use crate::StoreError;

impl IndexTable for MemoryStore {
    type Error = StoreError;

    async fn get(&self, key: &ItemKey) -> Result<Option<Item>, StoreError> {
        self.call(|state| state.index.get(key).cloned())
    }

    async fn query(&self, partition: &[u8; 22], start: &[u8], _: usize) -> Result<Vec<Found>, StoreError> {
        let found = self.query_strong(partition, start, |_| true).await?;
        Ok(found.into_iter().map(|(sort, item)| (sort, item.data)).collect())
    }

    async fn query_strong(
        &self,
        partition: &[u8; 22],
        start: &[u8],
        is_wanted: impl Fn(&[u8]) -> bool + Send + Sync,
    ) -> Result<Vec<(Vec<u8>, Item)>, StoreError> {
        let first = ItemKey { partition: *partition, sort: start.to_vec() };
        self.call(|state| {
            let items = state.index.range(first..);
            items
                .take_while(|(key, _)| key.partition == *partition && key.sort.starts_with(start))
                .filter(|(key, _)| is_wanted(&key.sort))
                .map(|(key, item)| (key.sort.clone(), item.clone()))
                .collect()
        })
    }

    async fn put(&self, key: &ItemKey, item: Item, seen: Option<Nonce>) -> Result<bool, StoreError> {
        self.call(|state| {
            let is_unchanged = state.index.get(key).map(|item| item.nonce) == seen;
            if is_unchanged {
                state.index.insert(key.clone(), item);
            }
            is_unchanged
        })
    }

    async fn remove(&self, keys: &[ItemKey]) -> Result<(), StoreError> {
        self.call(|state| keys.iter().for_each(|key| drop(state.index.remove(key))))
    }

    async fn pause(&self, _: u32) {}
}
