//! Pages of an answer in a total order, so that a page goes on where the last one ended whatever
//! was written meanwhile.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

use roaring::RoaringBitmap;

use super::Answers;

/// Says which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The smallest first.
    Ascending,
    /// The largest first.
    Descending,
}

/// Orders an answer by a number, a date or a text; who has none comes last either way, and among equals
/// the youngest comes first. Texts are in the order of their normal forms, of long ones by the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sort {
    /// The field.
    pub field: u16,
    /// Which way.
    pub direction: Direction,
    /// What it counts as to have no number.
    pub missing: Option<f64>,
    /// Whether the field has texts.
    pub is_text: bool,
}

/// Is what an order goes by.
#[derive(Debug, Clone, PartialEq)]
pub enum SortValue {
    /// A number or date.
    Number(f64),
    /// The bytes of a text's term.
    Text(Vec<u8>),
}

/// Is the place of an ordinal in an order.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    /// None where there is none, and where the order is by age alone.
    pub value: Option<SortValue>,
    /// Whose.
    pub ordinal: u32,
}

/// Compares as pages go: less comes first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ordered {
    value: Option<f64>,
    ordinal: u32,
    direction: Direction,
}

impl Ordered {
    /// Finds where a page ended; of another kind of order that is nowhere.
    fn at(key: &SortKey, direction: Direction) -> Self {
        let value = match key.value {
            Some(SortValue::Number(number)) => Some(number),
            Some(SortValue::Text(_)) | None => None,
        };
        Self { value, ordinal: key.ordinal, direction }
    }

    fn key(self) -> SortKey {
        SortKey { value: self.value.map(SortValue::Number), ordinal: self.ordinal }
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = match (self.value, other.value) {
            // Columns hold no zero but one, and nothing that is not a number.
            (Some(value), Some(other)) if self.direction == Direction::Ascending => value.total_cmp(&other),
            (Some(value), Some(other)) => other.total_cmp(&value),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        by_value.then_with(|| other.ordinal.cmp(&self.ordinal))
    }
}

impl Answers {
    /// Gives the first `limit` ordinals of an answer behind a place, in memory of that many.
    pub fn page(
        &self,
        answer: &RoaringBitmap,
        sort: Option<Sort>,
        after: Option<&SortKey>,
        limit: usize,
    ) -> Vec<SortKey> {
        let Some(sort) = sort else {
            return by_age(answer, None, after.map(|after| after.ordinal), limit);
        };
        if sort.is_text {
            return self.page_by_text(answer, sort, after, limit);
        }
        let column = self.columns.get(&sort.field);
        let after = after.map(|after| Ordered::at(after, sort.direction));
        let mut best: BinaryHeap<Ordered> = BinaryHeap::with_capacity(limit + 1);
        for ordinal in answer {
            let value = column.and_then(|column| column.get(ordinal)).or(sort.missing);
            let next = Ordered { value, ordinal, direction: sort.direction };
            let is_better = best.len() < limit || best.peek().is_some_and(|worst| next < *worst);
            if is_better && after.is_none_or(|after| next > after) {
                best.push(next);
                if best.len() > limit {
                    best.pop();
                }
            }
        }
        best.into_sorted_vec().into_iter().map(Ordered::key).collect()
    }

    fn page_by_text(
        &self,
        answer: &RoaringBitmap,
        sort: Sort,
        after: Option<&SortKey>,
        limit: usize,
    ) -> Vec<SortKey> {
        let nothing = BTreeMap::new();
        let terms = self.values.get(&sort.field).unwrap_or(&nothing);
        let mut keys = Vec::with_capacity(limit);
        let is_past_texts = after.is_some_and(|after| after.value.is_none());
        let mut walk: Vec<_> = if is_past_texts { Vec::new() } else { terms.iter().collect() };
        if sort.direction == Direction::Descending {
            walk.reverse();
        }
        for (term, ordinals) in walk {
            let mut below = None;
            if let Some(SortKey { value: Some(SortValue::Text(last)), ordinal }) = after {
                let order = match sort.direction {
                    Direction::Ascending => term.cmp(last),
                    Direction::Descending => last.cmp(term),
                };
                match order {
                    Ordering::Less => continue,
                    Ordering::Equal => below = Some(*ordinal),
                    Ordering::Greater => {}
                }
            }
            let missing = limit - keys.len();
            keys.extend(by_age(&(ordinals & answer), Some(SortValue::Text(term.clone())), below, missing));
            if keys.len() == limit {
                return keys;
            }
        }
        let mut without = answer.clone();
        terms.values().for_each(|ordinals| without -= ordinals);
        let below = after.filter(|_| is_past_texts).map(|after| after.ordinal);
        let missing = limit - keys.len();
        keys.extend(by_age(&without, None, below, missing));
        keys
    }
}

/// Gives the youngest below an ordinal, all with the same value.
fn by_age(
    answer: &RoaringBitmap,
    value: Option<SortValue>,
    below: Option<u32>,
    limit: usize,
) -> Vec<SortKey> {
    let below = below.map_or(u64::from(u32::MAX) + 1, u64::from);
    let mut ordinals = answer.iter();
    if let Ok(below) = u32::try_from(below) {
        ordinals.advance_back_to(below.saturating_sub(1));
    }
    let keys = ordinals.rev().take(limit).map(|ordinal| SortKey { value: value.clone(), ordinal });
    keys.filter(|key| u64::from(key.ordinal) < below).collect()
}
