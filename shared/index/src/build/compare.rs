//! What lies in the table beside what the contacts say.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::lying::Stored;
use super::truth::Truth;
use crate::facts::Cell;
use crate::key::CONTAINER_SIZE;
use crate::writer::Target;
use crate::{COLUMN_VALUES, ColumnBlock, Item, Nonce, SUB_SIZE, SetBlock, WholeSet};

/// Is how an item lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    List,
    Split,
    Column,
    /// Nobody can tell whether this set is a list.
    Unreadable,
}

/// Is what the items hold, by ordinal.
#[derive(Debug, Clone)]
pub(super) enum Contents {
    Set(RoaringBitmap),
    Column(BTreeMap<u32, f64>),
}

/// Holds the differences of one set or column, among the ordinals concerned.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) target: Target,
    pub(super) form: Form,
    pub(super) whole: Option<Nonce>,
    pub(super) subs: BTreeMap<u8, Nonce>,
    /// It is known that there is nothing at all.
    pub(super) is_new: bool,
    now: Contents,
    /// Whose cells should hold something that they do not.
    pub(super) missing: RoaringBitmap,
    /// Whose cells hold something that they should not.
    pub(super) extra: RoaringBitmap,
    /// Whose cells lie in items that cannot be read.
    pub(super) unreadable: RoaringBitmap,
    /// The same can be written afresh, because all ordinals of those items are concerned.
    pub(super) is_mendable: bool,
}

impl Compared {
    pub(super) fn of(target: &Target, stored: &Stored, concerned: &RoaringBitmap, truth: &Truth) -> Self {
        let (form, now, unreadable) = read(target, stored);
        let (missing, extra) = match &now {
            Contents::Set(now) => {
                let wanted = truth.set(target);
                ((&wanted - now) & concerned, (now - &wanted) & concerned)
            }
            Contents::Column(now) => {
                let differs = |ordinal: &u32| {
                    concerned.contains(*ordinal)
                        && now.get(ordinal).copied() != truth.number(target, *ordinal)
                };
                let missing = truth.ordinals(target).into_iter().filter(|ordinal| differs(ordinal));
                (missing.collect(), now.keys().copied().filter(|ordinal| differs(ordinal)).collect())
            }
        };
        Self {
            target: target.clone(),
            form,
            whole: nonce(stored.whole.as_ref()),
            subs: stored.subs.iter().map(|(sub, item)| (*sub, item.nonce)).collect(),
            is_new: stored.whole.is_none() && stored.subs.is_empty() && stored.has_all_subs,
            now,
            missing,
            extra,
            is_mendable: unreadable.is_subset(concerned),
            unreadable,
        }
    }

    /// Tells whether any cell is to be written.
    pub(super) fn differs(&self) -> bool {
        !(self.missing.is_empty() && self.extra.is_empty() && self.unreadable.is_empty())
    }

    /// Gives the ordinals whose cells are to be written.
    pub(super) fn differing(&self) -> RoaringBitmap {
        &(&self.missing | &self.extra) | &self.unreadable
    }

    /// Gives what the items should hold: what the contacts say of those concerned, and of the others
    /// what lies there.
    pub(super) fn wanted(&self, truth: &Truth) -> Contents {
        match &self.now {
            Contents::Set(now) => Contents::Set(&(now - &self.extra) | &self.missing),
            Contents::Column(now) => {
                let mut wanted = now.clone();
                for ordinal in &self.missing | &self.extra {
                    match truth.number(&self.target, ordinal) {
                        Some(number) => wanted.insert(ordinal, number),
                        None => wanted.remove(&ordinal),
                    };
                }
                Contents::Column(wanted)
            }
        }
    }
}

/// Gives the form and the contents, and the ordinals whose item is malformed.
fn read(target: &Target, stored: &Stored) -> (Form, Contents, RoaringBitmap) {
    let first = *target.ordinals().start();
    let mut unreadable = RoaringBitmap::new();
    if let Cell::Column(_) = target.cell() {
        let block =
            stored.whole.as_ref().map_or(Ok(ColumnBlock::new()), |item| ColumnBlock::decode(&item.data));
        let block = block.unwrap_or_else(|_| {
            unreadable.insert_range(first..=first + (COLUMN_VALUES as u32 - 1));
            ColumnBlock::new()
        });
        let values = block.iter().map(|(place, number)| (first + place as u32, number));
        return (Form::Column, Contents::Column(values.collect()), unreadable);
    }
    let mut now = RoaringBitmap::new();
    let whole =
        stored.whole.as_ref().map_or(Ok(WholeSet::List(Vec::new())), |item| WholeSet::decode(&item.data));
    let form = match whole {
        Ok(WholeSet::List(offsets)) => {
            now.extend(offsets.into_iter().map(|offset| first + u32::from(offset)));
            Form::List
        }
        Ok(WholeSet::Split) => {
            for (sub, item) in &stored.subs {
                let first = first + u32::from(*sub) * SUB_SIZE as u32;
                match SetBlock::decode(&item.data) {
                    Ok(block) => now.extend(block.iter().map(|offset| first + u32::from(offset))),
                    Err(_) => {
                        unreadable.insert_range(first..=first + (SUB_SIZE as u32 - 1));
                    }
                }
            }
            Form::Split
        }
        Err(_) => {
            unreadable.insert_range(first..=first + (CONTAINER_SIZE - 1));
            Form::Unreadable
        }
    };
    (form, Contents::Set(now), unreadable)
}

fn nonce(item: Option<&Item>) -> Option<Nonce> {
    item.map(|item| item.nonce)
}
