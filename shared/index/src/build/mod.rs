//! Writing outside the order of the stream: many contacts at once, straight from the contacts.
//!
//! An import writes its block this way, and so does a field that becomes indexed, a new
//! generation of the index and the repair of one that an [`Audit`] found wrong. The rules are those of
//! the [`Writer`], applied to a group of items:
//!
//! 1. All items concerned are read, strongly: those of a large block by querying the partitions of
//!    its fields, which tells of the items that are not there, too; those of a few ordinals by key.
//! 2. Then the contacts are read, each once. What anybody remembers of them only says which items
//!    to read.
//! 3. Each item that does not hold what the contacts say is written if it is still the one that was
//!    read. Those that were not are done again from the start, with the ordinals whose cells differed
//!    and nobody else's: a cell that agreed then is right, or a record of the stream makes it so.
//!
//! Nothing is written where all agrees, so that whatever died can be run again at little cost.
//!
//! Additions go first, then removals, and who is live last: a contact of an import is not found
//! before the index knows all of it.
//!
//! A set too large for a list is written as sub-containers at once. Where nothing lay that is the
//! mark of the split, of an empty set, and then the sub-containers: nobody can have written any of
//! them that counted. A list that is there is split by the protocol of the [`Writer`].

mod audit;
mod clear;
mod compare;
mod lying;
#[cfg(test)]
mod tests;
mod truth;
mod write;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use roaring::RoaringBitmap;

use crate::key::CONTAINER_SIZE;
use crate::writer::{Fault, Target};
use crate::{Contacts, Facts, IndexTable, Writer};
use compare::Compared;
use truth::Truth;
use write::mixed;

pub use audit::{Audit, Difference};
pub use clear::clear;

/// Is a run of ordinals within one container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Block {
    first: u32,
    last: u32,
}

impl Block {
    /// Makes the block from one ordinal to another, with both; none where a border is between them.
    pub fn new(first: u32, last: u32) -> Option<Self> {
        let is_one = first <= last && first / CONTAINER_SIZE == last / CONTAINER_SIZE;
        is_one.then_some(Self { first, last })
    }

    /// Gives the whole container of an ordinal.
    pub fn container(ordinal: u32) -> Self {
        let first = ordinal - ordinal % CONTAINER_SIZE;
        Self { first, last: first + (CONTAINER_SIZE - 1) }
    }

    /// Gives all containers in which there are ordinals below the one that comes next.
    pub fn all(next_ordinal: u32) -> impl Iterator<Item = Self> {
        (0..next_ordinal.div_ceil(CONTAINER_SIZE)).map(|number| Self::container(number * CONTAINER_SIZE))
    }

    /// Gives its ordinals.
    pub fn ordinals(&self) -> RangeInclusive<u32> {
        self.first..=self.last
    }

    fn set(&self) -> RoaringBitmap {
        let mut set = RoaringBitmap::new();
        set.insert_range(self.ordinals());
        set
    }
}

/// Says which fields the index has. Who is live it always has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexedFields {
    /// Those with terms.
    pub terms: BTreeSet<u16>,
    /// Those with a column.
    pub columns: BTreeSet<u16>,
}

impl IndexedFields {
    fn has(&self, target: &Target) -> bool {
        match target {
            Target::Set { term: None, .. } => true,
            Target::Set { field, .. } => self.terms.contains(field),
            Target::Column { field, .. } => self.columns.contains(field),
        }
    }
}

/// Says that a block was not built, audited or repaired to its end. What was written is right, and
/// the same may be called again.
#[derive(Debug, thiserror::Error)]
#[error("a block of the search index was not finished")]
pub struct NotBuilt {
    /// Why.
    #[source]
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

impl<T, C> From<Fault<T, C>> for NotBuilt
where
    T: std::error::Error + Send + Sync + 'static,
    C: std::error::Error + Send + Sync + 'static,
{
    fn from(fault: Fault<T, C>) -> Self {
        Self { cause: fault.into() }
    }
}

impl<T: IndexTable, C: Contacts> Writer<'_, T, C> {
    /// Writes all that these fields' items should hold of a block, as its contacts are now, and tells
    /// how many contacts those are. `known` is what is remembered of them, in any order, and need not
    /// be complete or true: of a small block it says which items to read, without reading the
    /// contacts a second time; of a large one it is not looked at.
    ///
    /// Which fields there are, for the facts as well, is to be known as of the start of this: see
    /// [`model::Generations`].
    ///
    /// # Errors
    /// When the table or the contacts fail.
    pub async fn build(
        &self,
        block: Block,
        fields: &IndexedFields,
        known: &[(u32, Facts)],
    ) -> Result<u64, NotBuilt> {
        let concerned = block.set();
        let snapshot = if concerned.len() < self.min_queried_ordinals {
            let known = known.iter().map(|(ordinal, facts)| (*ordinal, facts));
            let known = Truth::of(known.filter(|(ordinal, _)| concerned.contains(*ordinal)), Some(fields));
            let work = known.targets().map(|target| (target.clone(), concerned.clone()));
            self.read_items(&work.collect()).await?
        } else {
            self.query_items(block, fields).await?
        };
        let truth = self.truth(&concerned, Some(fields)).await?;
        let targets: BTreeSet<&Target> = truth.targets().chain(snapshot.targets()).collect();
        let unread = targets.iter().filter(|target| snapshot.get(target).is_none());
        let unread = unread.map(|target| ((*target).clone(), truth.ordinals(target))).collect();
        let compared = mixed(targets.into_iter().collect(), |target| target)
            .into_iter()
            .filter_map(|target| Some(Compared::of(target, snapshot.get(target)?, &concerned, &truth)));
        self.write_all(compared, unread, &truth).await?;
        Ok(truth.live().len())
    }
}
