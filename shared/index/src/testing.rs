//! What tests read and write.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;

use crate::{Contacts, Facts, Found, IndexTable, Item, ItemKey, Nonce};

/// Is a table in memory.
#[derive(Default)]
pub(crate) struct Table(Mutex<BTreeMap<ItemKey, Item>>);

impl IndexTable for Table {
    type Error = Infallible;

    async fn get(&self, key: &ItemKey) -> Result<Option<Item>, Infallible> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }

    async fn query_strong(
        &self,
        partition: &[u8; 22],
        start: &[u8],
    ) -> Result<Vec<(Vec<u8>, Item)>, Infallible> {
        let table = self.0.lock().unwrap();
        let items =
            table.iter().filter(|(key, _)| key.partition == *partition && key.sort.starts_with(start));
        Ok(items.map(|(key, item)| (key.sort.clone(), item.clone())).collect())
    }

    async fn query(&self, partition: &[u8; 22], start: &[u8]) -> Result<Vec<Found>, Infallible> {
        let items = self.query_strong(partition, start).await?;
        Ok(items.into_iter().map(|(key, item)| (key, item.data)).collect())
    }

    async fn put(&self, key: &ItemKey, item: Item, seen: Option<Nonce>) -> Result<bool, Infallible> {
        let mut table = self.0.lock().unwrap();
        let is_unchanged = table.get(key).map(|item| item.nonce) == seen;
        if is_unchanged {
            table.insert(key.clone(), item);
        }
        Ok(is_unchanged)
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
