//! Pages of an answer in a total order, so that a page goes on where the last one ended whatever
//! was written meanwhile.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

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

/// Orders an answer by a number or date; who has none comes last either way, and among equals the
/// youngest comes first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sort {
    /// The field.
    pub field: u16,
    /// Which way.
    pub direction: Direction,
    /// What it counts as to have no number.
    pub missing: Option<f64>,
}

/// Is the place of an ordinal in an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SortKey {
    /// The number or date; none where there is none, and where the order is by age alone.
    pub value: Option<f64>,
    /// Whose.
    pub ordinal: u32,
}

/// Compares as pages go: less comes first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ordered {
    key: SortKey,
    direction: Direction,
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = match (self.key.value, other.key.value) {
            // Columns hold no zero but one, and nothing that is not a number.
            (Some(value), Some(other)) if self.direction == Direction::Ascending => value.total_cmp(&other),
            (Some(value), Some(other)) => other.total_cmp(&value),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        by_value.then_with(|| other.key.ordinal.cmp(&self.key.ordinal))
    }
}

impl Answers {
    /// Gives the first `limit` ordinals of an answer behind a place, in memory of that many.
    pub fn page(
        &self,
        answer: &RoaringBitmap,
        sort: Option<Sort>,
        after: Option<SortKey>,
        limit: usize,
    ) -> Vec<SortKey> {
        let Some(sort) = sort else { return by_age(answer, after, limit) };
        let column = self.columns.get(&sort.field);
        let ordered = |key| Ordered { key, direction: sort.direction };
        let after = after.map(ordered);
        let mut best: BinaryHeap<Ordered> = BinaryHeap::with_capacity(limit + 1);
        for ordinal in answer {
            let value = column.and_then(|column| column.get(ordinal)).or(sort.missing);
            let next = ordered(SortKey { value, ordinal });
            let is_better = best.len() < limit || best.peek().is_some_and(|worst| next < *worst);
            if is_better && after.is_none_or(|after| next > after) {
                best.push(next);
                if best.len() > limit {
                    best.pop();
                }
            }
        }
        best.into_sorted_vec().into_iter().map(|ordered| ordered.key).collect()
    }
}

fn by_age(answer: &RoaringBitmap, after: Option<SortKey>, limit: usize) -> Vec<SortKey> {
    let below = after.map_or(u64::from(u32::MAX) + 1, |after| u64::from(after.ordinal));
    let mut ordinals = answer.iter();
    if let Ok(below) = u32::try_from(below) {
        ordinals.advance_back_to(below.saturating_sub(1));
    }
    let keys = ordinals.rev().take(limit).map(|ordinal| SortKey { value: None, ordinal });
    keys.filter(|key| u64::from(key.ordinal) < below).collect()
}
