//! What a batch comes to: for each item the cells to write, in the order of the changes.

use std::collections::BTreeMap;

use crate::facts::{Cell, CellValue, cells};
use crate::{Facts, Generation, ItemKey, Kind, Place, SetPlace, Term, column_key};

/// Names what is written as one: the set of one container, or a column's item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// `term` is none for live contacts.
    Set {
        slab: u16,
        field: u16,
        term: Option<Term>,
        container: u8,
    },
    Column {
        slab: u16,
        field: u16,
        chunk: u16,
    },
}

/// Is one cell to write.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    /// Which change of the batch wants it.
    pub(super) change: usize,
    pub(super) ordinal: u32,
    /// None where the contact tells.
    pub(super) value: Option<CellValue>,
}

#[derive(Debug, Default)]
pub(super) struct Plan {
    work: BTreeMap<Target, Vec<Wanted>>,
}

impl Plan {
    /// Adds the cells in which two images differ.
    pub(super) fn image(&mut self, change: usize, ordinal: u32, old: Option<&Facts>, new: &Facts) {
        for cell in cells(old.into_iter().chain([new])) {
            let value = cell.value(Some(new));
            if value != cell.value(old) {
                self.add(ordinal, &cell, Wanted { change, ordinal, value: Some(value) });
            }
        }
    }

    /// Adds every cell of an ordinal.
    pub(super) fn reread<'a>(
        &mut self,
        change: usize,
        ordinal: u32,
        states: impl IntoIterator<Item = &'a Facts>,
    ) {
        for cell in cells(states) {
            self.add(ordinal, &cell, Wanted { change, ordinal, value: None });
        }
    }

    fn add(&mut self, ordinal: u32, cell: &Cell, wanted: Wanted) {
        self.work.entry(Target::of(ordinal, cell)).or_default().push(wanted);
    }

    /// Parts what adds anything, which goes first, from what only removes.
    pub(super) fn parts(self) -> (Vec<(Target, Vec<Wanted>)>, Vec<(Target, Vec<Wanted>)>) {
        let removes =
            |wanted: &Wanted| matches!(wanted.value, Some(CellValue::Bit(false) | CellValue::Number(None)));
        self.work.into_iter().partition(|(_, wanted)| !wanted.iter().all(removes))
    }
}

impl Target {
    fn of(ordinal: u32, cell: &Cell) -> Self {
        let Place { slab, container, chunk, .. } = Place::of(ordinal);
        match cell {
            Cell::Live => Self::Set { slab, field: 0, term: None, container },
            Cell::Term(field, term) => Self::Set { slab, field: *field, term: Some(term.clone()), container },
            Cell::Column(field) => Self::Column { slab, field: *field, chunk },
        }
    }

    /// Gives the cell of each ordinal that lies here.
    pub(super) fn cell(&self) -> Cell {
        match self {
            Self::Set { term: None, .. } => Cell::Live,
            Self::Set { field, term: Some(term), .. } => Cell::Term(*field, term.clone()),
            Self::Column { field, .. } => Cell::Column(*field),
        }
    }

    /// Gives the key of the item, or of one of a set's sub-containers.
    pub(super) fn key(&self, generation: &Generation, sub: Option<u8>) -> ItemKey {
        match self {
            Self::Set { slab, term: None, container, .. } => ItemKey {
                partition: generation.partition(Kind::Live, 0, *slab),
                sort: SetPlace { container: *container, sub }.key(),
            },
            Self::Set { slab, field, term: Some(term), container } => ItemKey {
                partition: generation.partition(Kind::Terms, *field, *slab),
                sort: SetPlace { container: *container, sub }.key_of(term),
            },
            Self::Column { slab, field, chunk } => ItemKey {
                partition: generation.partition(Kind::Column, *field, *slab),
                sort: column_key(*chunk).to_vec(),
            },
        }
    }
}
