//! Writing: from the changes of contacts to the items of the index.
//!
//! Batches of one contact's changes come in order, but come again, and writers of the same item
//! overtake each other. Three rules keep that right; each was shown to be necessary by a model, and
//! the tests here drive this very code through such histories.
//!
//! 1. *Item first.* An item is read, strongly, before the values that go into it, and written only
//!    if it is still the one that was read.
//! 2. *A real difference always writes*, with a fresh nonce, also where the item agrees already or
//!    is not there: only so does an older writer, who read before, lose.
//! 3. *Images only in their order, and only of a contact that stayed where it is.* What cannot rely
//!    on that ([`Change::Reread`]) takes its values from the contact, read after the item; and so
//!    does whatever else the batch has of that contact, because the lanes that it was on before and
//!    after are in no order.
//!
//! A set that outgrows its list is split before anything is added: all sixteen sub-containers are
//! written as the list was, then the list becomes the mark of the split. Whoever splits has read
//! them before the list, so that it cannot write over what others wrote after the split.
//!
//! Additions go before removals: a contact that moves from one term to another is for a moment in
//! both, and never in neither. Who is live goes last: whoever is new is not found before the index
//! knows all of it, because to be without a term may be what is asked for.

pub(crate) mod item;
mod plan;
mod set;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;

use futures::{StreamExt, stream};

use crate::facts::{Cell, CellValue};
use crate::{ColumnBlock, Facts, Generation, IndexTable, Item, ItemKey, Malformed, Nonce};
use plan::{Plan, Wanted, Work};

pub(crate) use plan::Target;

/// Items that are read and written side by side.
pub(crate) const ITEMS_AT_ONCE: usize = 32;

/// How often an item is read again because somebody else wrote it; each time they got on.
pub(crate) const ATTEMPTS: u32 = 64;

/// Reads contacts, which are the truth.
pub trait Contacts: Send + Sync {
    /// Why a read failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads what the index should know of an ordinal, strongly consistent: the slot, then the
    /// contact, if that has this ordinal.
    fn facts(&self, ordinal: u32) -> impl Future<Output = Result<Option<Facts>, Self::Error>> + Send;

    /// Reads the same of many ordinals, at most 4,096, in their order.
    fn facts_of_many(
        &self,
        ordinals: &[u32],
    ) -> impl Future<Output = Result<Vec<Option<Facts>>, Self::Error>> + Send {
        // One by one, unless the contacts can be read together.
        async move {
            let mut all = Vec::with_capacity(ordinals.len());
            for ordinal in ordinals {
                all.push(self.facts(*ordinal).await?);
            }
            Ok(all)
        }
    }
}

/// Is what one record of the stream says.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The contact was made, or changed, where it stands.
    Image {
        /// Whose.
        ordinal: u32,
        /// What was known before; nothing of a new contact.
        old: Option<Facts>,
        /// What is known now.
        new: Facts,
    },
    /// The contact came or went, so that other records of it may be on another lane; or this
    /// comes outside the order of the stream.
    Reread {
        /// Whose.
        ordinal: u32,
        /// What the record knows of it.
        known: Facts,
    },
}

/// Says from where on a batch has to come again.
#[derive(Debug, thiserror::Error)]
#[error("change {first} of the batch was not applied")]
pub struct NotApplied {
    /// The first change that may not be in the index.
    pub first: usize,
    /// Why.
    #[source]
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

/// Writes one tenant's index.
#[derive(Debug)]
pub struct Writer<'a, T, C> {
    pub(crate) table: &'a T,
    pub(crate) contacts: &'a C,
    pub(crate) generation: Generation,
    /// How long an item may get before a list is split.
    pub(crate) max_item_bytes: usize,
    /// Below so many ordinals a block's items are read one by one.
    pub(crate) min_queried_ordinals: u64,
}

/// Is what ends the work on one item.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault<T, C> {
    #[error("the table failed")]
    Table(#[source] T),
    #[error("a contact could not be read")]
    Contacts(#[source] C),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("an item changed at every attempt to write it")]
    Contended,
    #[error("no randomness can be had")]
    NoRandomness,
}

impl<'a, T: IndexTable, C: Contacts> Writer<'a, T, C> {
    /// Writes through a table, and reads contacts where their images do not tell.
    pub fn new(table: &'a T, contacts: &'a C, generation: Generation) -> Self {
        Self {
            table,
            contacts,
            generation,
            // What one write unit pays for.
            max_item_bytes: 1_024,
            // A sixteenth of a container: its terms, each read as an item of its own, cost about as
            // much as all terms of the container read as one.
            min_queried_ordinals: 4_096,
        }
    }

    /// Brings changes into the index, in their order. They are all of one tenant.
    ///
    /// # Errors
    /// Tells the first change that may not be applied; those before it are.
    pub async fn apply(&self, changes: &[Change]) -> Result<(), NotApplied> {
        let mut plan = Plan::of(changes);
        for (change, ordinal) in plan.rereads().to_vec() {
            // Only to know which cells there may be; the values are read after each item.
            let truth = self.contacts.facts(ordinal).await;
            let truth = truth.map_err(|error| NotApplied { first: 0, cause: error.into() })?;
            plan.reread(change, ordinal, &truth.unwrap_or_default());
        }
        let mut parts = plan.parts().into_iter();
        while let Some(part) = parts.next() {
            if let Err(failure) = self.carry_out(part).await {
                // Of what comes behind it nothing is done.
                let rest = parts.flatten().flat_map(|(_, wanted)| wanted).map(|wanted| wanted.change).min();
                return Err(NotApplied {
                    first: failure.first.min(rest.unwrap_or(failure.first)),
                    ..failure
                });
            }
        }
        Ok(())
    }

    async fn carry_out(&self, work: Work) -> Result<(), NotApplied> {
        let work = work.into_iter().map(|(target, wanted)| async move {
            let first = wanted.iter().map(|wanted| wanted.change).min().unwrap_or_default();
            let done = match target {
                Target::Set { .. } => self.write_set(&target, &wanted).await,
                Target::Column { .. } => {
                    let key = target.key(&self.generation, None);
                    self.rewrite::<ColumnBlock>(&key, &target, &wanted, usize::MAX).await.map(|_| ())
                }
            };
            done.map_err(|fault| NotApplied { first, cause: fault.into() })
        });
        let outcomes: Vec<Result<(), NotApplied>> =
            stream::iter(work.collect::<Vec<_>>()).buffer_unordered(ITEMS_AT_ONCE).collect().await;
        let failed = outcomes.into_iter().filter_map(Result::err);
        failed.min_by_key(|failure| failure.first).map_or(Ok(()), Err)
    }

    /// Gives what each wanted cell is to hold. Called after its item was read.
    async fn values(
        &self,
        wanted: &[Wanted],
        cell: &Cell,
    ) -> Result<HashMap<u32, CellValue>, Fault<T::Error, C::Error>> {
        let mut values = HashMap::new();
        let mut reread = Vec::new();
        for Wanted { ordinal, value, .. } in wanted {
            match value {
                Some(value) => {
                    values.insert(*ordinal, *value);
                }
                None => reread.push(*ordinal),
            }
        }
        // Whatever images say of it.
        let facts = self.contacts.facts_of_many(&reread).await.map_err(Fault::Contacts)?;
        values
            .extend(reread.iter().zip(&facts).map(|(ordinal, facts)| (*ordinal, cell.value(facts.as_ref()))));
        Ok(values)
    }

    /// Writes an item if it is still the one that was seen, and then gives the nonce of the write.
    pub(crate) async fn put(
        &self,
        key: &ItemKey,
        data: Vec<u8>,
        seen: Option<Nonce>,
    ) -> Result<Option<Nonce>, Fault<T::Error, C::Error>> {
        let mut nonce = Nonce::default();
        getrandom::fill(&mut nonce).map_err(|_| Fault::NoRandomness)?;
        let written = self.table.put(key, Item { data, nonce }, seen).await.map_err(Fault::Table)?;
        Ok(written.then_some(nonce))
    }
}
