use std::collections::{BTreeMap, BTreeSet};

use crate::Term;

/// Holds what the index knows of one contact.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The terms of its fields, by the field's number.
    pub terms: BTreeSet<(u16, Term)>,
    /// Its numbers and dates, by the field's number.
    pub columns: BTreeMap<u16, f64>,
}

/// Names one thing that the index keeps of an ordinal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// That it is a contact.
    Live,
    /// That it has a term in a field.
    Term(u16, Term),
    /// Its number or date in a field.
    Column(u16),
}

/// Is what a cell holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum CellValue {
    Bit(bool),
    Number(Option<f64>),
}

impl Cell {
    /// Tells what the cell of a contact holds, or of an ordinal that is none.
    pub(crate) fn value(&self, facts: Option<&Facts>) -> CellValue {
        match (self, facts) {
            (Self::Live, facts) => CellValue::Bit(facts.is_some()),
            (Self::Term(field, term), Some(facts)) => {
                CellValue::Bit(facts.terms.contains(&(*field, term.clone())))
            }
            (Self::Term(..), None) => CellValue::Bit(false),
            (Self::Column(field), facts) => {
                CellValue::Number(facts.and_then(|facts| facts.columns.get(field).copied()))
            }
        }
    }
}

/// Gives every cell in which a contact is more than an ordinal that is none, in any of its states.
pub(crate) fn cells<'a>(states: impl IntoIterator<Item = &'a Facts>) -> BTreeSet<Cell> {
    let mut cells = BTreeSet::from([Cell::Live]);
    for facts in states {
        cells.extend(facts.terms.iter().map(|(field, term)| Cell::Term(*field, term.clone())));
        cells.extend(facts.columns.keys().map(|field| Cell::Column(*field)));
    }
    cells
}
