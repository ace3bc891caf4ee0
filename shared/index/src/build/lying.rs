//! What lies in the table, read before the contacts.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};

use super::write::Work;
use super::{Block, IndexedFields};
use crate::facts::Cell;
use crate::writer::{Fault, Target};
use crate::{Contacts, IndexTable, Item, ItemKey, Kind, Place, SUBS, SetPlace, Term, WholeSet, Writer};

/// Queries under way at once: each may give some megabytes, of which a quarter is kept.
const QUERIES_AT_ONCE: usize = 8;

/// How many containers a slab has.
const CONTAINERS: u8 = 4;

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
        let (first, last) = (Place::of(*block.ordinals().start()), Place::of(*block.ordinals().end()));
        // Live contacts are by container, and half of the slab's chunks begin with one byte, half
        // with the other; of a field's terms all containers of the slab are among each other.
        let queries = std::iter::once((Kind::Live, 0, vec![first.container]))
            .chain(fields.terms.iter().map(|field| (Kind::Terms, *field, Vec::new())))
            .chain(fields.columns.iter().map(|field| (Kind::Column, *field, vec![first.container >> 1])));
        // Collected first: as a lazy stream the borrowing futures would not be provably `Send`.
        let queries: Vec<_> = queries
            .map(|(kind, field, start)| async move {
                let partition = self.generation.partition(kind, field, first.slab);
                // What cannot be told apart stays, to be counted as strange.
                let is_of_block = |key: &[u8]| match place(kind, field, first.slab, key) {
                    Some((Target::Column { chunk, .. }, _)) => chunk >= first.chunk && chunk <= last.chunk,
                    Some((Target::Set { container, .. }, _)) => container == first.container,
                    None => true,
                };
                let found = self.table.query_strong(&partition, &start, is_of_block).await;
                found.map(|found| (kind, field, found)).map_err(Fault::Table)
            })
            .collect();
        let mut queries = stream::iter(queries).buffer_unordered(QUERIES_AT_ONCE);
        let mut snapshot = Snapshot { is_complete: true, ..Snapshot::default() };
        while let Some((kind, field, found)) = queries.try_next().await? {
            for (key, item) in found {
                match place(kind, field, first.slab, &key) {
                    Some((target, sub)) => snapshot.add(target, sub, item),
                    None => snapshot.strange_keys += 1,
                }
            }
        }
        Ok(snapshot)
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

/// Finds what lies under a key of a partition.
fn place(kind: Kind, field: u16, slab: u16, key: &[u8]) -> Option<(Target, Option<u8>)> {
    if kind == Kind::Column {
        let chunk = <[u8; 2]>::try_from(key).map(u16::from_be_bytes).ok()?;
        return Some((Target::Column { slab, field, chunk }, None));
    }
    let (term, SetPlace { container, sub }) = SetPlace::read(key)?;
    let is_sub = sub.is_none_or(|sub| usize::from(sub) < SUBS);
    let is_right = container < CONTAINERS && is_sub && term.is_empty() == (kind == Kind::Live);
    let term = (!term.is_empty()).then(|| Term::from_bytes(term));
    is_right.then_some((Target::Set { slab, field, term, container }, sub))
}
