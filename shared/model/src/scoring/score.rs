//! What a contact keeps of its ledger, so that most facts are added without reading it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::fold::{Run, in_order};
use super::{Fact, Position, RuleId, ScoringRules};
use crate::Engagement;

/// Counts what a rule with a cap gave since the score was last set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Given {
    /// Points over all, whatever their sign.
    #[serde(rename = "p")]
    pub points: u32,
    /// The number of the window, and its points.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub window: Option<(i64, u32)>,
}

/// Says where the fold of a contact's ledger stands. A contact without facts has the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fold {
    /// The newest fact.
    #[serde(rename = "last", skip_serializing_if = "Option::is_none")]
    pub last: Option<Position>,
    /// The newest fact that set the score: nothing before it matters.
    #[serde(rename = "set", skip_serializing_if = "Option::is_none")]
    pub last_set: Option<Position>,
    /// The version of the rules.
    #[serde(rename = "v", skip_serializing_if = "is_default")]
    pub rules_version: u64,
    /// What rules with caps gave since then.
    #[serde(rename = "given", skip_serializing_if = "BTreeMap::is_empty")]
    pub given: BTreeMap<RuleId, Given>,
    /// How many facts are engagements of which kind, whatever set the score since.
    #[serde(rename = "n", skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<Engagement, u32>,
    /// Up to when decay is applied.
    #[serde(rename = "to", skip_serializing_if = "Option::is_none")]
    pub decayed_to: Option<DateTime<Utc>>,
    /// When decay changes the score next.
    #[serde(rename = "next", skip_serializing_if = "Option::is_none")]
    pub changes_at: Option<DateTime<Utc>>,
}

fn is_default(version: &u64) -> bool {
    *version == 0
}

/// Is a score, with where the fold stands that made it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Score {
    /// The sum of all entries.
    pub points: i64,
    /// Where the fold stands.
    pub fold: Fold,
}

/// Says that new facts lie before ones that are folded: the ledger has to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// From this fact on, which is among what must be read; none is all of it.
    pub from: Option<Position>,
}

impl Score {
    /// Adds facts that are in the ledger for the first time, without reading it; also none, which
    /// tells whether time alone has something to take off.
    ///
    /// # Errors
    /// [`Behind`] where facts lie before others or have begun to decay already, where a step of decay
    /// is due by itself, or where the rules are other ones: read the ledger, add the new facts and call
    /// [`Score::refolded`].
    pub fn absorb(&self, new: &[Fact], rules: &ScoringRules, now: DateTime<Utc>) -> Result<Self, Behind> {
        if self.fold.last.is_some() && self.fold.rules_version != rules.version {
            return Err(Behind { from: None });
        }
        let set = self.fold.last_set.as_ref();
        let mut counted = self.clone();
        // What happened before the score was set adds nothing, and resets nothing. It counts all the
        // same: how often somebody opened says nothing of points.
        let (facts, before): (Vec<&Fact>, Vec<&Fact>) =
            in_order(new).into_iter().partition(|fact| set.is_none_or(|set| fact.position > *set));
        counted.fold.count(before);
        let is_due = self.fold.is_due(now);
        let behind = || Behind { from: self.fold.last_set.clone() };
        let Some(oldest) = facts.first() else { return if is_due { Err(behind()) } else { Ok(counted) } };
        let is_late = self.fold.last.as_ref().is_some_and(|last| oldest.position <= *last);
        // What is told late has lost some of its worth: it is never shown with all of it.
        let is_old = rules.decay.is_some_and(|decay| {
            let at = oldest.position.occurred_at;
            decay.next(at) <= now || self.fold.decayed_to.is_some_and(|to| at <= to)
        });
        if is_late || is_old || is_due {
            return Err(behind());
        }
        let mut run = Run::going_on(counted, rules);
        for fact in facts {
            run.add(fact);
        }
        Ok(run.finish().score)
    }

    /// Folds the facts that [`Score::absorb`] asked for together with the new ones, and takes the steps
    /// of decay that are due; it does not matter if some facts are among both.
    pub fn refolded(
        &self,
        behind: &Behind,
        known: &[Fact],
        new: &[Fact],
        rules: &ScoringRules,
        now: DateTime<Utc>,
    ) -> Self {
        let mut score = super::fold(known.iter().chain(new), rules, self.fold.decayed_by(rules, now)).score;
        if behind.from.is_some() {
            // What was counted before the first known fact is known from here alone.
            let positions: BTreeSet<&Position> = known.iter().map(|fact| &fact.position).collect();
            score.fold.counts = self.fold.counts.clone();
            score.fold.count(in_order(new.iter().filter(|fact| !positions.contains(&fact.position))));
        }
        score
    }
}

impl Fold {
    /// Tells whether a step of decay is due.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.changes_at.is_some_and(|at| at <= now)
    }

    /// Tells up to when decay is applied by whoever folds now. Clocks differ a little; what was taken
    /// is not given back.
    pub fn decayed_by(&self, rules: &ScoringRules, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match rules.decay {
            Some(_) => self.decayed_to.max(Some(now)),
            None => self.decayed_to,
        }
    }

    /// Counts facts that are counted nowhere yet, each once.
    pub(super) fn count<'f>(&mut self, facts: impl IntoIterator<Item = &'f Fact>) {
        for kind in facts.into_iter().filter_map(Fact::engagement) {
            let count = self.counts.entry(kind).or_default();
            *count = count.saturating_add(1);
        }
    }
}
