//! What a batch comes to: for each item the cells to write, in the order of the changes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::Change;
use crate::facts::{Cell, CellValue, cells};
use crate::key::CONTAINER_SIZE;
use crate::{COLUMN_VALUES, Facts, Generation, ItemKey, Kind, Place, SetPlace, Term, column_key};

/// Names what is written as one: the set of one container, or a column's item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Target {
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

/// Is what to write, item by item.
pub(super) type Work = Vec<(Target, Vec<Wanted>)>;

#[derive(Debug, Default)]
pub(super) struct Plan {
    work: BTreeMap<Target, Vec<Wanted>>,
    /// Whose contacts tell, each with the change that says so first.
    rereads: Vec<(usize, u32)>,
}

impl Plan {
    /// Plans a batch.
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut first: BTreeMap<u32, usize> = BTreeMap::new();
        for (number, change) in changes.iter().enumerate() {
            if let Change::Reread { ordinal, .. } = change {
                first.entry(*ordinal).or_insert(number);
            }
        }
        let mut plan = Self::default();
        for (number, change) in changes.iter().enumerate() {
            match change {
                Change::Image { ordinal, old, new } if first.contains_key(ordinal) => {
                    old.iter().chain([new]).for_each(|facts| plan.reread(number, *ordinal, facts));
                }
                Change::Image { ordinal, old, new } => plan.image(number, *ordinal, old.as_ref(), new),
                Change::Reread { ordinal, known } => plan.reread(number, *ordinal, known),
            }
        }
        plan.rereads = first.into_iter().map(|(ordinal, number)| (number, ordinal)).collect();
        plan
    }

    pub(super) fn rereads(&self) -> &[(usize, u32)] {
        &self.rereads
    }

    /// Adds the cells in which two images differ.
    fn image(&mut self, change: usize, ordinal: u32, old: Option<&Facts>, new: &Facts) {
        for cell in cells(old.into_iter().chain([new])) {
            let value = cell.value(Some(new));
            if value != cell.value(old) {
                self.add(ordinal, &cell, Wanted { change, ordinal, value: Some(value) });
            }
        }
    }

    /// Adds every cell that an ordinal has in one of its states.
    pub(super) fn reread(&mut self, change: usize, ordinal: u32, state: &Facts) {
        for cell in cells([state]) {
            self.add(ordinal, &cell, Wanted { change, ordinal, value: None });
        }
    }

    fn add(&mut self, ordinal: u32, cell: &Cell, wanted: Wanted) {
        self.work.entry(Target::of(ordinal, cell)).or_default().push(wanted);
    }

    /// Parts what adds anything, which goes first, from what only removes, and that from who is
    /// live, which comes last.
    pub(super) fn parts(self) -> [Work; 3] {
        let removes =
            |wanted: &Wanted| matches!(wanted.value, Some(CellValue::Bit(false) | CellValue::Number(None)));
        let (live, others): (Work, Work) =
            self.work.into_iter().partition(|(target, _)| target.cell() == Cell::Live);
        let (additions, removals) = others.into_iter().partition(|(_, wanted)| !wanted.iter().all(removes));
        [additions, removals, live]
    }
}

impl Target {
    /// Finds where the cell of an ordinal lies.
    pub(crate) fn of(ordinal: u32, cell: &Cell) -> Self {
        let Place { slab, container, chunk, .. } = Place::of(ordinal);
        match cell {
            Cell::Live => Self::Set { slab, field: 0, term: None, container },
            Cell::Term(field, term) => Self::Set { slab, field: *field, term: Some(term.clone()), container },
            Cell::Column(field) => Self::Column { slab, field: *field, chunk },
        }
    }

    /// Gives the cell of each ordinal that lies here.
    pub(crate) fn cell(&self) -> Cell {
        match self {
            Self::Set { term: None, .. } => Cell::Live,
            Self::Set { field, term: Some(term), .. } => Cell::Term(*field, term.clone()),
            Self::Column { field, .. } => Cell::Column(*field),
        }
    }

    /// Gives the ordinals whose cells lie here.
    pub(crate) fn ordinals(&self) -> RangeInclusive<u32> {
        let (first, count) = match self {
            Self::Set { slab, container, .. } => {
                (u32::from(*slab) << 18 | u32::from(*container) << 16, CONTAINER_SIZE)
            }
            Self::Column { slab, chunk, .. } => {
                (u32::from(*slab) << 18 | u32::from(*chunk) << 9, COLUMN_VALUES as u32)
            }
        };
        first..=first + (count - 1)
    }

    /// Gives the key of the item, or of one of a set's sub-containers.
    pub(crate) fn key(&self, generation: &Generation, sub: Option<u8>) -> ItemKey {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_contact_that_moved_no_image_of_the_batch_is_believed() {
        let with = |term: &str| Facts { terms: [(1, Term::value(term))].into(), ..Facts::default() };
        let changes = [
            Change::Image { ordinal: 7, old: Some(with("c")), new: with("b") },
            Change::Image { ordinal: 8, old: Some(with("c")), new: with("b") },
            Change::Reread { ordinal: 7, known: with("b") },
        ];
        let plan = Plan::of(&changes);
        assert_eq!(plan.rereads(), [(2, 7)]);
        let wanted = |ordinal| plan.work.values().flatten().filter(move |wanted| wanted.ordinal == ordinal);
        assert!(wanted(7).all(|wanted| wanted.value.is_none()));
        assert_eq!(wanted(8).filter_map(|wanted| wanted.value).count(), 2);
    }
}
