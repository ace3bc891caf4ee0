//! What lies in the table, read before the contacts.

use std::collections::{BTreeMap, BTreeSet};

use super::write::Work;
use super::{Block, IndexedFields};
use crate::facts::Cell;
use crate::writer::{Fault, Target};
use crate::{Contacts, IndexTable, Item, ItemKey, Kind, Place, SUBS, SetPlace, Term, WholeSet, Writer};

/// Is what lies there of one set or column.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// The item of the whole container, or of the column.
    pub(super) whole: Option<Item>,
    pub(super) subs: BTreeMap<u8, Item>,
    /// Whether the sub-containers were looked for that are not here.
    pub(super) has_all_subs: bool,
}

/// Holds what was read.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    stored: BTreeMap<Target, Stored>,
    /// What is not here was not there.
    is_complete: bool,
    /// Keys that this crate does not write.
    pub(super) strange_keys: u64,
}

/// Where nothing lay.
static NOTHING: Stored = Stored { whole: None, subs: BTreeMap::new(), has_all_subs: true };

impl Snapshot {
    pub(super) fn targets(&self) -> impl Iterator<Item = &Target> {
        self.stored.keys()
    }

    /// Counts the items.
    pub(super) fn items(&self) -> u64 {
        self.stored.values().map(|stored| stored.subs.len() as u64 + u64::from(stored.whole.is_some())).sum()
    }

    /// Gives what lay there, if that is known.
    pub(super) fn get(&self, target: &Target) -> Option<&Stored> {
        self.stored.get(target).or(self.is_complete.then_some(&NOTHING))
    }

    fn add(&mut self, target: Target, sub: Option<u8>, item: Item) {
        let stored = self.stored.entry(target).or_default();
        stored.has_all_subs = true;
        match sub {
            None => stored.whole = Some(item),
            Some(sub) => {
                stored.subs.insert(sub, item);
            }
        }
    }
}

impl<T: IndexTable, C: Contacts> Writer<'_, T, C> {
    /// Reads all items of a block's container by querying the partitions of fields.
    pub(super) async fn query_items(
        &self,
        block: Block,
        fields: &IndexedFields,
    ) -> Result<Snapshot, Fault<T::Error, C::Error>> {
        let first = Place::of(*block.ordinals().start());
        let (container, slab) = (first.container, first.slab);
        let chunks = first.chunk..=Place::of(*block.ordinals().end()).chunk;
        let mut snapshot = Snapshot { is_complete: true, ..Snapshot::default() };
        for (key, item) in self.query(Kind::Live, 0, slab, &[container]).await? {
            match SetPlace::read(&key) {
                Some((b"", SetPlace { sub, .. })) if is_sub(sub) => {
                    snapshot.add(Target::Set { slab, field: 0, term: None, container }, sub, item);
                }
                _ => snapshot.strange_keys += 1,
            }
        }
        for field in fields.terms.iter().copied() {
            for (key, item) in self.query(Kind::Terms, field, slab, &[]).await? {
                match SetPlace::read(&key) {
                    Some((term, place)) if !term.is_empty() && place.container < 4 && is_sub(place.sub) => {
                        // The slab's other containers are in the same partition.
                        if place.container == container {
                            let term = Some(Term::from_bytes(term));
                            snapshot.add(Target::Set { slab, field, term, container }, place.sub, item);
                        }
                    }
                    _ => snapshot.strange_keys += 1,
                }
            }
        }
        for field in fields.columns.iter().copied() {
            // Half of the slab's chunks begin with one byte, half with the other.
            for (key, item) in self.query(Kind::Column, field, slab, &[container >> 1]).await? {
                match <[u8; 2]>::try_from(key.as_slice()).map(u16::from_be_bytes) {
                    Ok(chunk) if chunks.contains(&chunk) => {
                        snapshot.add(Target::Column { slab, field, chunk }, None, item);
                    }
                    Ok(_) => {}
                    Err(_) => snapshot.strange_keys += 1,
                }
            }
        }
        Ok(snapshot)
    }

    async fn query(
        &self,
        kind: Kind,
        field: u16,
        slab: u16,
        start: &[u8],
    ) -> Result<Vec<(Vec<u8>, Item)>, Fault<T::Error, C::Error>> {
        let partition = self.generation.partition(kind, field, slab);
        self.table.query_strong(&partition, start).await.map_err(Fault::Table)
    }

    /// Reads the items of some sets and columns by their keys; of a split set the sub-containers of
    /// the ordinals concerned.
    pub(super) async fn read_items(&self, work: &Work) -> Result<Snapshot, Fault<T::Error, C::Error>> {
        let keys: Vec<ItemKey> = work.keys().map(|target| target.key(&self.generation, None)).collect();
        let wholes = self.table.get_many(&keys).await.map_err(Fault::Table)?;
        let mut snapshot = Snapshot::default();
        let (mut subs, mut keys) = (Vec::new(), Vec::new());
        for ((target, concerned), whole) in work.iter().zip(wholes) {
            let is_split = whole.as_ref().is_some_and(|item| item.data == WholeSet::Split.encode());
            if is_split && !matches!(target.cell(), Cell::Column(_)) {
                let concerned: BTreeSet<u8> =
                    concerned.iter().map(|ordinal| Place::of(ordinal).sub).collect();
                keys.extend(concerned.iter().map(|sub| target.key(&self.generation, Some(*sub))));
                subs.extend(concerned.into_iter().map(|sub| (target, sub)));
            }
            snapshot.stored.insert(target.clone(), Stored { whole, ..Stored::default() });
        }
        let items = if keys.is_empty() {
            Vec::new()
        } else {
            self.table.get_many(&keys).await.map_err(Fault::Table)?
        };
        for ((target, sub), item) in subs.into_iter().zip(items) {
            if let (Some(stored), Some(item)) = (snapshot.stored.get_mut(target), item) {
                stored.subs.insert(sub, item);
            }
        }
        Ok(snapshot)
    }
}

fn is_sub(sub: Option<u8>) -> bool {
    sub.is_none_or(|sub| usize::from(sub) < SUBS)
}
