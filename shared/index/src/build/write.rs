//! Writing what differs, each item on the condition that it is still the one that was read.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use futures::{StreamExt, TryStreamExt, stream};
use roaring::RoaringBitmap;

use super::compare::{Compared, Contents, Form};
use super::truth::Truth;
use crate::writer::item::item_bytes;
use crate::writer::{ATTEMPTS, Fault, Target};
use crate::{ColumnBlock, Contacts, IndexTable, Malformed, Nonce, Place, SetBlock, WholeSet, Writer};

/// Items that are written side by side: enough for what a young table takes (4,000 a second, each in
/// some milliseconds). With more, whoever reads meanwhile waits behind them all.
const ITEMS_AT_ONCE: usize = 24;
/// Of so many the work is prepared together.
const ITEMS_PREPARED: usize = 1_024;

/// Mixes the fields, because the partition of one alone takes a thousand writes a second.
pub(super) fn mixed<T>(mut items: Vec<T>, target: impl Fn(&T) -> &Target) -> Vec<T> {
    let hasher = BuildHasherDefault::<DefaultHasher>::new();
    items.sort_by_cached_key(|item| hasher.hash_one(target(item)));
    items
}

/// Is what to do: the ordinals concerned, by set or column.
pub(super) type Work = BTreeMap<Target, RoaringBitmap>;

impl<T: IndexTable, C: Contacts> Writer<'_, T, C> {
    /// Writes what differs, and does again what was written meanwhile or not read at all. Of a
    /// large block each item is compared only when its turn comes: all at once would fill the memory.
    pub(super) async fn write_all(
        &self,
        compared: impl Iterator<Item = Compared> + Send,
        unread: Work,
        truth: &Truth,
    ) -> Result<(), Fault<T::Error, C::Error>> {
        let (mut additions, mut removals, mut live) = (Vec::new(), Vec::new(), Vec::new());
        let mut again = unread;
        for compared in compared.filter(Compared::differs) {
            match compared {
                Compared { target: Target::Set { term: None, .. }, .. } => live.push(compared),
                _ if compared.missing.is_empty() => removals.push(compared),
                _ => additions.push(compared),
            }
            if additions.len() == ITEMS_PREPARED {
                again.append(&mut self.write(std::mem::take(&mut additions), truth).await?);
            }
        }
        for wave in [additions, removals, live] {
            again.append(&mut self.write(wave, truth).await?);
            self.settle(std::mem::take(&mut again)).await?;
        }
        Ok(())
    }

    /// Reads items and then contacts, and writes what differs, until all is done.
    pub(super) async fn settle(&self, mut work: Work) -> Result<(), Fault<T::Error, C::Error>> {
        for attempt in 0..ATTEMPTS {
            if work.is_empty() {
                return Ok(());
            }
            if attempt > 0 {
                self.table.pause(attempt).await;
            }
            let (compared, truth) = self.compare(&work).await?;
            work = self.write(compared, &truth).await?;
        }
        Err(Fault::Contended)
    }

    /// Reads some items, and then the contacts of the ordinals concerned.
    pub(super) async fn compare(
        &self,
        work: &Work,
    ) -> Result<(Vec<Compared>, Truth), Fault<T::Error, C::Error>> {
        let snapshot = self.read_items(work).await?;
        let truth =
            self.truth(&work.values().fold(RoaringBitmap::new(), |all, some| all | some), None).await?;
        let compared = work.iter().filter_map(|(target, concerned)| {
            Some(Compared::of(target, snapshot.get(target)?, concerned, &truth))
        });
        Ok((compared.collect(), truth))
    }

    /// Writes what differs, and gives what was written by others meanwhile.
    async fn write(&self, compared: Vec<Compared>, truth: &Truth) -> Result<Work, Fault<T::Error, C::Error>> {
        let mut lost = Work::new();
        for some in compared.chunks(ITEMS_PREPARED) {
            let writes: Vec<_> = some.iter().map(|compared| self.write_one(compared, truth)).collect();
            let mut writes = stream::iter(writes).buffer_unordered(ITEMS_AT_ONCE);
            while let Some((target, again)) = writes.try_next().await? {
                if !again.is_empty() {
                    lost.insert(target.clone(), again);
                }
            }
        }
        Ok(lost)
    }

    /// Gives the ordinals that have to be looked at again.
    async fn write_one<'c>(
        &self,
        compared: &'c Compared,
        truth: &Truth,
    ) -> Result<(&'c Target, RoaringBitmap), Fault<T::Error, C::Error>> {
        let (target, differing) = (&compared.target, compared.differing());
        if differing.is_empty() {
            return Ok((target, differing));
        }
        if !compared.is_mendable {
            return Err(Malformed { what: "item" }.into());
        }
        let again = match compared.wanted(truth) {
            Contents::Set(wanted) => self.write_whole(compared, &wanted, differing).await?,
            Contents::Column(wanted) => {
                let mut block = ColumnBlock::new();
                wanted
                    .iter()
                    .for_each(|(ordinal, number)| block.set(Place::of(*ordinal).value, Some(*number)));
                let key = target.key(&self.generation, None);
                let is_written = self.put(&key, block.encode(), compared.whole).await?.is_some();
                if is_written { RoaringBitmap::new() } else { differing }
            }
        };
        Ok((target, again))
    }

    async fn write_whole(
        &self,
        compared: &Compared,
        wanted: &RoaringBitmap,
        differing: RoaringBitmap,
    ) -> Result<RoaringBitmap, Fault<T::Error, C::Error>> {
        let key = compared.target.key(&self.generation, None);
        let seen = match compared.form {
            Form::Split | Form::Column => compared.subs.clone(),
            Form::Unreadable => {
                // Split, so that whoever saw it split is right; its sub-containers are next.
                self.put(&key, WholeSet::Split.encode(), compared.whole).await?;
                return Ok(differing);
            }
            Form::List => {
                let offsets: Vec<u16> = wanted.iter().map(|ordinal| Place::of(ordinal).offset).collect();
                let data = WholeSet::List(offsets).encode();
                if item_bytes(&key, &data) <= self.max_item_bytes {
                    let is_written = self.put(&key, data, compared.whole).await?.is_some();
                    return Ok(if is_written { RoaringBitmap::new() } else { differing });
                }
                let subs = if compared.is_new {
                    self.put(&key, WholeSet::Split.encode(), None).await?.map(|_| BTreeMap::new())
                } else {
                    let split = self.split(&compared.target, &key).await?;
                    // Of the very list that was read before the contacts: so nobody has written since.
                    let split = split.filter(|split| split.list == compared.whole);
                    split.map(|split| (0..).zip(split.subs).collect())
                };
                let Some(subs) = subs else { return Ok(differing) };
                subs
            }
        };
        self.write_subs_of(&compared.target, wanted, differing, &seen).await
    }

    async fn write_subs_of(
        &self,
        target: &Target,
        wanted: &RoaringBitmap,
        differing: RoaringBitmap,
        seen: &BTreeMap<u8, Nonce>,
    ) -> Result<RoaringBitmap, Fault<T::Error, C::Error>> {
        let subs: BTreeSet<u8> = differing.iter().map(|ordinal| Place::of(ordinal).sub).collect();
        let offsets: Vec<u16> = wanted.iter().map(|ordinal| Place::of(ordinal).offset).collect();
        let blocks = WholeSet::split(&offsets);
        let writes = (0..).zip(&blocks).filter(|(sub, _)| subs.contains(sub));
        let writes: Vec<_> = writes.map(|(sub, block)| self.write_sub_of(target, sub, block, seen)).collect();
        let lost: BTreeSet<u8> = stream::iter(writes)
            .buffer_unordered(ITEMS_AT_ONCE)
            .try_filter_map(async |lost| Ok(lost))
            .try_collect()
            .await?;
        Ok(differing.iter().filter(|ordinal| lost.contains(&Place::of(*ordinal).sub)).collect())
    }

    /// Gives the sub-container back if somebody else wrote it.
    async fn write_sub_of(
        &self,
        target: &Target,
        sub: u8,
        block: &SetBlock,
        seen: &BTreeMap<u8, Nonce>,
    ) -> Result<Option<u8>, Fault<T::Error, C::Error>> {
        let key = target.key(&self.generation, Some(sub));
        let written = self.put(&key, block.encode(), seen.get(&sub).copied()).await?;
        Ok(if written.is_some() { None } else { Some(sub) })
    }
}
