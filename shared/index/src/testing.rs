//! What tests read and write.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Contacts, Facts, Found, IndexTable, Item, ItemKey, Nonce};

/// Gives how many cases a property is tried on: so many, or what `PROPTEST_CASES` says.
pub(crate) fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// Is a table in memory, with a meter.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) items: Mutex<BTreeMap<ItemKey, Item>>,
    pub(crate) write_units: AtomicUsize,
    pub(crate) queried_bytes: AtomicUsize,
}

/// Counts what the table charges for.
fn bytes(sort: &[u8], data: &[u8]) -> usize {
    "psdv".len() + 22 + sort.len() + data.len() + 8
}

impl IndexTable for Table {
    type Error = Infallible;

    async fn get(&self, key: &ItemKey) -> Result<Option<Item>, Infallible> {
        Ok(self.items.lock().unwrap().get(key).cloned())
    }

    async fn query_strong(
        &self,
        partition: &[u8; 22],
        start: &[u8],
        is_wanted: impl Fn(&[u8]) -> bool + Send + Sync,
    ) -> Result<Vec<(Vec<u8>, Item)>, Infallible> {
        let table = self.items.lock().unwrap();
        let items =
            table.iter().filter(|(key, _)| key.partition == *partition && key.sort.starts_with(start));
        let mut items: Vec<_> = items.map(|(key, item)| (key.sort.clone(), item.clone())).collect();
        let read = items.iter().map(|(sort, item)| bytes(sort, &item.data)).sum();
        self.queried_bytes.fetch_add(read, Ordering::Relaxed);
        items.retain(|(sort, _)| is_wanted(sort));
        Ok(items)
    }

    async fn query(&self, partition: &[u8; 22], start: &[u8], _: usize) -> Result<Vec<Found>, Infallible> {
        let items = self.query_strong(partition, start, |_| true).await?;
        Ok(items.into_iter().map(|(key, item)| (key, item.data)).collect())
    }

    async fn put(&self, key: &ItemKey, item: Item, seen: Option<Nonce>) -> Result<bool, Infallible> {
        let mut table = self.items.lock().unwrap();
        self.write_units.fetch_add(bytes(&key.sort, &item.data).div_ceil(1_024), Ordering::Relaxed);
        let is_unchanged = table.get(key).map(|item| item.nonce) == seen;
        if is_unchanged {
            table.insert(key.clone(), item);
        }
        Ok(is_unchanged)
    }

    async fn remove(&self, keys: &[ItemKey]) -> Result<(), Infallible> {
        let mut table = self.items.lock().unwrap();
        keys.iter().for_each(|key| drop(table.remove(key)));
        Ok(())
    }

    async fn pause(&self, _: u32) {}
}

/// Nobody is read again where no contact goes or moves.
pub(crate) struct Nobody;

impl Contacts for Nobody {
    type Error = Infallible;

    async fn facts(&self, _: u32) -> Result<Option<Facts>, Infallible> {
        Ok(None)
    }
}
