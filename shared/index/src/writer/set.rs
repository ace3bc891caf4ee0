//! Writing the set of a container: one list, or sixteen sub-containers.

use std::collections::BTreeSet;

use futures::future::try_join_all;

use super::plan::{Target, Wanted};
use super::{ATTEMPTS, Contacts, Fault, Writer};
use crate::facts::CellValue;
use crate::{IndexTable, Item, ItemKey, Nonce, Place, SUBS, SetBlock, WholeSet};

impl<T: IndexTable, C: Contacts> Writer<'_, T, C> {
    pub(super) async fn write_set(
        &self,
        target: &Target,
        wanted: &[Wanted],
    ) -> Result<(), Fault<T::Error, C::Error>> {
        let key = target.key(&self.generation, None);
        for attempt in 0..ATTEMPTS {
            let item = self.get(&key).await?;
            let (set, seen) = read(item.as_ref())?;
            let WholeSet::List(offsets) = set else { return self.write_subs(target, wanted).await };
            let mut offsets: BTreeSet<u16> = offsets.into_iter().collect();
            for (ordinal, value) in self.values(wanted, &target.cell()).await? {
                let offset = Place::of(ordinal).offset;
                if value == CellValue::Bit(true) {
                    offsets.insert(offset)
                } else {
                    offsets.remove(&offset)
                };
            }
            let data = WholeSet::List(offsets.into_iter().collect()).encode();
            if item_bytes(&key, &data) > self.max_item_bytes {
                self.split(target, &key).await?;
            } else if self.put(&key, data, seen).await?.is_some() {
                return Ok(());
            } else {
                self.table.pause(attempt).await;
            }
        }
        Err(Fault::Contended)
    }

    /// Splits a list as it is, unless somebody else splits it or writes it meanwhile.
    pub(crate) async fn split(
        &self,
        target: &Target,
        key: &ItemKey,
    ) -> Result<Option<Split>, Fault<T::Error, C::Error>> {
        let keys: Vec<ItemKey> = (0..SUBS as u8).map(|sub| target.key(&self.generation, Some(sub))).collect();
        // Before the list: see the module's head.
        let seen: Vec<Option<Nonce>> = try_join_all(keys.iter().map(|key| self.get(key)))
            .await?
            .into_iter()
            .map(|item| item.map(|item| item.nonce))
            .collect();
        let item = self.get(key).await?;
        let (WholeSet::List(offsets), whole_seen) = read(item.as_ref())? else { return Ok(None) };
        let blocks = WholeSet::split(&offsets);
        let puts = keys.iter().zip(&blocks).zip(seen);
        let written =
            try_join_all(puts.map(|((key, block), seen)| self.put(key, block.encode(), seen))).await?;
        let Some(subs) = written.into_iter().collect::<Option<Vec<Nonce>>>() else { return Ok(None) };
        let mark = self.put(key, WholeSet::Split.encode(), whole_seen).await?;
        Ok(mark.map(|_| Split { list: whole_seen, subs }))
    }

    async fn write_subs(&self, target: &Target, wanted: &[Wanted]) -> Result<(), Fault<T::Error, C::Error>> {
        let subs: BTreeSet<u8> = wanted.iter().map(|wanted| Place::of(wanted.ordinal).sub).collect();
        try_join_all(subs.into_iter().map(|sub| self.write_sub(target, sub, wanted))).await?;
        Ok(())
    }

    async fn write_sub(
        &self,
        target: &Target,
        sub: u8,
        wanted: &[Wanted],
    ) -> Result<(), Fault<T::Error, C::Error>> {
        let here = wanted.iter().filter(|wanted| Place::of(wanted.ordinal).sub == sub);
        let here: Vec<Wanted> = here.cloned().collect();
        let key = target.key(&self.generation, Some(sub));
        for attempt in 0..ATTEMPTS {
            let item = self.get(&key).await?;
            let mut block = match &item {
                Some(item) => SetBlock::decode(&item.data)?,
                None => SetBlock::new(),
            };
            for (ordinal, value) in self.values(&here, &target.cell()).await? {
                block.set(Place::of(ordinal).offset & 0x0FFF, value == CellValue::Bit(true));
            }
            if self.put(&key, block.encode(), item.map(|item| item.nonce)).await?.is_some() {
                return Ok(());
            }
            self.table.pause(attempt).await;
        }
        Err(Fault::Contended)
    }
}

/// Is what whoever split a list knows.
#[derive(Debug)]
pub(crate) struct Split {
    /// Which list it was.
    pub(crate) list: Option<Nonce>,
    /// The sub-containers as they were written.
    pub(crate) subs: Vec<Nonce>,
}

/// Reads an item that may not be there.
fn read(item: Option<&Item>) -> Result<(WholeSet, Option<Nonce>), crate::Malformed> {
    match item {
        Some(item) => Ok((WholeSet::decode(&item.data)?, Some(item.nonce))),
        None => Ok((WholeSet::List(Vec::new()), None)),
    }
}

/// Counts what the table charges for: the names of the four attributes, too.
pub(crate) fn item_bytes(key: &ItemKey, data: &[u8]) -> usize {
    const NAMES: usize = "psdv".len();
    NAMES + key.partition.len() + key.sort.len() + data.len() + Nonce::default().len()
}
