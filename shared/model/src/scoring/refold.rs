//! How far the contacts of a tenant are scored by rules that were published.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Says what there is to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefoldPlan {
    /// All contacts that were there lie below this ordinal. Who comes later is scored by the new
    /// rules from the first event on.
    pub ordinals: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

/// Is a range of ordinals that somebody went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefoldRange {
    /// The first ordinal.
    pub from: u32,
    /// The one behind the last.
    pub to: u32,
    /// How many contacts have events, and so a score that was folded.
    pub contacts: u64,
    /// When it was done.
    pub done_at: DateTime<Utc>,
}

/// Is the folding of all contacts under rules that were published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refold {
    /// What there is to go through.
    pub plan: RefoldPlan,
    /// What is done, in any order.
    pub ranges: Vec<RefoldRange>,
}

impl Refold {
    /// Counts the ordinals that are done. Ranges may overlap: a message that comes twice may be cut
    /// at another place.
    fn covered(&self) -> u32 {
        let mut ranges: Vec<(u32, u32)> = self.ranges.iter().map(|range| (range.from, range.to)).collect();
        ranges.sort_unstable();
        let (mut covered, mut end) = (0, 0);
        for (from, to) in ranges {
            let to = to.min(self.plan.ordinals);
            covered += to.saturating_sub(from.max(end));
            end = end.max(to);
        }
        covered
    }

    /// Tells whether every contact was looked at.
    pub fn is_done(&self) -> bool {
        self.covered() >= self.plan.ordinals
    }

    /// Tells how much is done, from 0 to 1.
    pub fn progress(&self) -> f64 {
        match self.plan.ordinals {
            0 => 1.0,
            ordinals => f64::from(self.covered()) / f64::from(ordinals),
        }
    }

    /// Counts the contacts that were folded.
    pub fn contacts(&self) -> u64 {
        self.ranges.iter().map(|range| range.contacts).sum()
    }

    /// Tells when the last range was done; none while one is missing.
    pub fn finished_at(&self) -> Option<DateTime<Utc>> {
        let last = self.ranges.iter().map(|range| range.done_at).max();
        self.is_done().then(|| last.unwrap_or(self.plan.started_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refold(ordinals: u32, ranges: &[(u32, u32)]) -> Refold {
        let at = DateTime::UNIX_EPOCH;
        let range = |(from, to): &(u32, u32)| RefoldRange { from: *from, to: *to, contacts: 1, done_at: at };
        Refold { plan: RefoldPlan { ordinals, started_at: at }, ranges: ranges.iter().map(range).collect() }
    }

    #[test]
    fn a_range_that_was_cut_in_two_ways_counts_once() {
        let refold = refold(10, &[(4, 8), (0, 4), (2, 6), (0, 1)]);
        assert!((refold.progress() - 0.8).abs() < 1e-9);
        assert_eq!((refold.is_done(), refold.finished_at()), (false, None));
    }

    #[test]
    fn it_is_done_when_no_ordinal_is_missing() {
        assert!(refold(10, &[(8, 16), (0, 8)]).is_done());
        assert!(!refold(10, &[(0, 8), (9, 10)]).is_done());
        assert!(refold(0, &[]).is_done());
    }
}
