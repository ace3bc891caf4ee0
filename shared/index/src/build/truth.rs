//! What the contacts say, item by item.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use roaring::RoaringBitmap;

use super::IndexedFields;
use crate::facts::{Cell, CellValue, cells};
use crate::writer::{Fault, Target};
use crate::{Contacts, Facts, IndexTable, Writer};

/// Contacts that are read in one call, and calls under way at once: with what they become, the
/// facts of so many contacts are all that is in memory of a container.
const CONTACTS_AT_ONCE: usize = 1_024;
const CALLS_AT_ONCE: usize = 2;

/// Holds what each item should have of some ordinals.
#[derive(Debug, Default)]
pub(super) struct Truth {
    sets: BTreeMap<Target, RoaringBitmap>,
    columns: BTreeMap<Target, BTreeMap<u32, f64>>,
    live: RoaringBitmap,
}

impl Truth {
    /// Sorts facts by items; with fields, only by theirs.
    pub(super) fn of<'a>(
        facts: impl IntoIterator<Item = (u32, &'a Facts)>,
        fields: Option<&IndexedFields>,
    ) -> Self {
        let mut truth = Self::default();
        facts.into_iter().for_each(|(ordinal, facts)| truth.add(ordinal, facts, fields));
        truth
    }

    fn add(&mut self, ordinal: u32, facts: &Facts, fields: Option<&IndexedFields>) {
        self.live.insert(ordinal);
        for cell in cells([facts]) {
            let target = Target::of(ordinal, &cell);
            if fields.is_some_and(|fields| !fields.has(&target)) {
                continue;
            }
            match cell.value(Some(facts)) {
                CellValue::Bit(true) => {
                    self.sets.entry(target).or_default().insert(ordinal);
                }
                CellValue::Number(Some(number)) => {
                    self.columns.entry(target).or_default().insert(ordinal, number);
                }
                CellValue::Bit(false) | CellValue::Number(None) => {}
            }
        }
    }

    /// Gives the items that should have anything.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Target> {
        self.sets.keys().chain(self.columns.keys())
    }

    /// Gives who is a contact.
    pub(super) fn live(&self) -> &RoaringBitmap {
        &self.live
    }

    /// Gives who should be in a set.
    pub(super) fn set(&self, target: &Target) -> RoaringBitmap {
        self.sets.get(target).cloned().unwrap_or_default()
    }

    /// Gives the number that an ordinal should have in a column.
    pub(super) fn number(&self, target: &Target, ordinal: u32) -> Option<f64> {
        self.columns.get(target)?.get(&ordinal).copied()
    }

    /// Gives whose cells here should hold anything.
    pub(super) fn ordinals(&self, target: &Target) -> RoaringBitmap {
        match target.cell() {
            Cell::Live | Cell::Term(..) => self.set(target),
            Cell::Column(_) => self.columns.get(target).into_iter().flat_map(BTreeMap::keys).collect(),
        }
    }
}

impl<T: IndexTable, C: Contacts> Writer<'_, T, C> {
    /// Reads contacts. Called after the items were read that they are compared with.
    pub(super) async fn truth(
        &self,
        ordinals: &RoaringBitmap,
        fields: Option<&IndexedFields>,
    ) -> Result<Truth, Fault<T::Error, C::Error>> {
        let ordinals: Vec<u32> = ordinals.iter().collect();
        // Collected first: as a lazy stream the borrowing futures would not be provably `Send`.
        let calls: Vec<_> = ordinals
            .chunks(CONTACTS_AT_ONCE)
            .map(|some| async move {
                let facts = self.contacts.facts_of_many(some).await;
                facts.map(|facts| (some, facts)).map_err(Fault::Contacts)
            })
            .collect();
        let mut calls = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE);
        let mut truth = Truth::default();
        while let Some((some, facts)) = calls.try_next().await? {
            for (ordinal, facts) in some.iter().zip(&facts) {
                if let Some(facts) = facts {
                    truth.add(*ordinal, facts, fields);
                }
            }
        }
        Ok(truth)
    }
}
