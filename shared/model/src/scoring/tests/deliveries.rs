//! Random streams in random deliveries: the outcome is that of a naive fold.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{Folded, Score, fold};
use super::*;
use crate::Engagement;

const KINDS: [&str; 7] = [
    "email.opened",
    "email.clicked",
    "email.replied",
    "pricing_page.visited",
    "email.bounced",
    "email.unsubscribed",
    "webinar.joined",
];

/// Few moments and ids, so that many collide.
fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let one = (0..2_000_i64, 0..6_u8, 0..KINDS.len(), any::<bool>(), any::<bool>());
    let one = one.prop_map(|(minutes, id, kind, machine, near)| {
        // Half of them close together, the others over a day and more.
        let minutes = if near { minutes % 10 } else { minutes };
        Fact { machine: machine && id == 0, ..fact(minutes, &format!("e{id}"), KINDS[kind]) }
    });
    prop::collection::vec(one, 0..30).prop_map(|facts| {
        // A fact is what was recorded first: of one position there is one.
        let unique: BTreeMap<Position, Fact> =
            facts.into_iter().map(|fact| (fact.position.clone(), fact)).collect();
        unique.into_values().collect()
    })
}

/// The same facts in any order, some of them several times, cut into batches.
pub(super) fn deliveries() -> impl Strategy<Value = (Vec<Fact>, Vec<Vec<Fact>>)> {
    facts().prop_flat_map(|facts| {
        let again = prop::collection::vec(any::<prop::sample::Index>(), 0..10);
        (Just(facts), again).prop_flat_map(|(facts, again)| {
            let mut all = facts.clone();
            if !facts.is_empty() {
                all.extend(again.iter().map(|index| index.get(&facts).clone()));
            }
            let cuts = prop::collection::vec(1..6_usize, all.len());
            (Just(facts), Just(all).prop_shuffle(), cuts).prop_map(|(facts, all, cuts)| {
                let mut rest = all.as_slice();
                let mut batches = Vec::new();
                for cut in cuts {
                    let (batch, left) = rest.split_at(cut.min(rest.len()));
                    batches.push(batch.to_vec());
                    rest = left;
                }
                (facts, batches)
            })
        })
    })
}

fn any_rules() -> impl Strategy<Value = ScoringRules> {
    let decay = prop::option::of(prop::sample::select(vec![
        json!({"half_life_days": 1}),
        json!({"expire_after_days": 1}),
    ]));
    (any::<bool>(), 0..12_u32, 0..5_u32, prop::option::of(1..30_i64), decay).prop_map(
        |(once, cap, window, max_score, decay)| {
            rules(json!({
                "max_score": max_score,
                "decay": decay,
                "rules": [
                    {"id": "o", "event": "email.opened", "points": 2, "window": {"points": window, "days": 1}},
                    {"id": "c", "event": "email.clicked", "points": 5, "cap": cap},
                    {"id": "r", "event": "email.replied", "points": 10, "once": once},
                    {"id": "b", "event": "email.bounced", "points": -7},
                    {"id": "b2", "event": "email.bounced", "points": 1},
                    {"id": "u", "event": "email.unsubscribed", "set_to": 3}
                ]
            }))
        },
    )
}

/// Folds in the plainest way, by the default table alone.
fn naive(facts: &[Fact]) -> i64 {
    let mut sorted = facts.to_vec();
    sorted.sort_by(|a, b| a.position.cmp(&b.position));
    sorted.iter().fold(0, |score, fact| match fact.kind.as_str() {
        "email.bounced" => score - 50,
        "email.unsubscribed" => 0,
        _ if fact.machine => score,
        "email.opened" => score + 1,
        "email.clicked" => score + 5,
        "email.replied" => score + 10,
        "pricing_page.visited" => score + 20,
        _ => score,
    })
}

/// Counts in the plainest way.
fn naive_counts(facts: &[Fact]) -> BTreeMap<Engagement, u32> {
    let mut counts = BTreeMap::new();
    for kind in facts.iter().filter(|fact| !fact.machine).filter_map(|fact| match fact.kind.as_str() {
        "email.opened" => Some(Engagement::Opened),
        "email.clicked" => Some(Engagement::Clicked),
        "email.replied" => Some(Engagement::Replied),
        "pricing_page.visited" => Some(Engagement::Visited),
        _ => None,
    }) {
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

/// Keeps a ledger and a score as a store does: both change together or not at all.
pub(super) struct Kept {
    pub(super) ledger: BTreeMap<Position, Fact>,
    pub(super) score: Score,
    /// What the clock shows.
    pub(super) now: DateTime<Utc>,
    reads: usize,
}

impl Default for Kept {
    /// Begins before anything happened.
    fn default() -> Self {
        Self { ledger: BTreeMap::new(), score: Score::default(), now: start(), reads: 0 }
    }
}

impl Kept {
    pub(super) fn record(&mut self, batch: &[Fact], rules: &ScoringRules) {
        let new: BTreeMap<Position, Fact> = batch
            .iter()
            .filter(|fact| !self.ledger.contains_key(&fact.position))
            .map(|fact| (fact.position.clone(), fact.clone()))
            .collect();
        let new: Vec<Fact> = new.into_values().collect();
        let score = self.score.absorb(&new, rules, self.now).unwrap_or_else(|behind| {
            let known = self
                .ledger
                .values()
                .filter(|fact| behind.from.as_ref().is_none_or(|from| fact.position >= *from));
            let known: Vec<Fact> = known.cloned().collect();
            self.reads += 1;
            self.score.refolded(&behind, &known, &new, rules, self.now)
        });
        self.score = score;
        self.ledger.extend(new.into_iter().map(|fact| (fact.position.clone(), fact)));
    }

    /// Gives the score of facts that were told at once, at the moment up to which this one is decayed.
    fn of_all(&self, facts: &[Fact], rules: &ScoringRules) -> Score {
        fold(facts, rules, self.score.fold.decayed_to).score
    }

    pub(super) fn explained(&self, rules: &ScoringRules) -> Folded {
        fold(self.ledger.values(), rules, self.score.fold.decayed_to)
    }
}

pub(super) fn sums_up(folded: &Folded) {
    let mut sum = 0;
    for entry in &folded.entries {
        sum += entry.points;
        assert_eq!(sum, entry.after);
    }
    assert_eq!(sum, folded.score.points);
    assert!(folded.entries.is_sorted_by_key(|entry| entry.occurred_at));
}

proptest! {
    #[test]
    fn any_delivery_ends_in_the_score_of_a_naive_fold((facts, batches) in deliveries()) {
        let rules = ScoringRules::default();
        let mut kept = Kept::default();
        for batch in &batches {
            kept.record(batch, &rules);
            let ledger: Vec<Fact> = kept.ledger.values().cloned().collect();
            prop_assert_eq!(kept.score.points, naive(&ledger));
            prop_assert_eq!(&kept.score.fold.counts, &naive_counts(&ledger));
        }
        prop_assert_eq!(kept.score.points, naive(&facts));
        prop_assert_eq!(&kept.score.fold.counts, &naive_counts(&facts));
    }

    #[test]
    fn at_every_moment_the_explanation_sums_to_the_score((_, batches) in deliveries(), rules in any_rules()) {
        let mut kept = Kept::default();
        for batch in &batches {
            kept.record(batch, &rules);
            let explained = kept.explained(&rules);
            sums_up(&explained);
            prop_assert_eq!(&explained.score, &kept.score);
        }
    }

    #[test]
    fn a_crash_before_or_after_the_write_changes_nothing(
        (facts, batches) in deliveries(),
        rules in any_rules(),
        crashes in prop::collection::vec(prop::option::of(any::<bool>()), 40),
    ) {
        let mut kept = Kept::default();
        for (batch, crash) in batches.iter().zip(&crashes) {
            // After the write the answer is lost, before it nothing happened: both come again.
            if *crash == Some(true) {
                kept.record(batch, &rules);
            }
            kept.record(batch, &rules);
        }
        prop_assert_eq!(&kept.score, &kept.of_all(&facts, &rules));
    }

    #[test]
    fn other_rules_fold_everything_anew((facts, batches) in deliveries(), first in any_rules(), second in any_rules()) {
        let second = ScoringRules { version: 2, ..second };
        let mut kept = Kept::default();
        let half = batches.len() / 2;
        for (n, batch) in batches.iter().enumerate() {
            kept.record(batch, if n < half { &first } else { &second });
        }
        kept.record(&[], &second);
        prop_assert_eq!(&kept.score, &kept.of_all(&facts, &second));
    }
}

#[test]
fn a_stream_in_its_order_never_reads_the_ledger() {
    let rules = ScoringRules::default();
    let mut kept = Kept::default();
    for minute in 0..100 {
        kept.record(&[fact(minute, "e", "email.opened")], &rules);
    }
    assert_eq!((kept.score.points, kept.reads), (100, 0));
}
