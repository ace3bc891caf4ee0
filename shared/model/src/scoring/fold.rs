//! The fold itself: facts in their order, and between them the steps of decay that are due.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    Effect, EventId, EventType, Fact, Fold, Given, Position, RuleId, Score, ScoringRule, ScoringRules,
};

/// Says what an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A fact.
    Fact,
    /// Time, which took some of a fact's points off.
    Decay,
}

/// Explains one change of the score; of no points where a fact changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The fact.
    pub event_id: EventId,
    /// What happened then.
    pub kind: EventType,
    /// The rule that counted it.
    pub rule: Option<RuleId>,
    /// What the score changed by.
    pub points: i64,
    /// When that was: of a step of decay, when it was due.
    pub occurred_at: DateTime<Utc>,
    /// What the score was then.
    pub after: i64,
    /// What changed it.
    pub cause: Cause,
}

/// Is a ledger, folded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folded {
    /// What made the score, the oldest first.
    pub entries: Vec<Entry>,
    /// The score, and where it stands.
    pub score: Score,
}

/// Folds facts, in whatever order and however often they come, with the steps of decay that are
/// due up to a moment.
pub fn fold<'f>(
    facts: impl IntoIterator<Item = &'f Fact>,
    rules: &ScoringRules,
    decayed_to: Option<DateTime<Utc>>,
) -> Folded {
    let start = Score { points: 0, fold: Fold { decayed_to, ..Fold::default() } };
    let mut run = Run::going_on(start, rules);
    for fact in in_order(facts) {
        run.add(fact);
    }
    run.finish()
}

/// Brings facts into their order, each once.
pub(super) fn in_order<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> Vec<&'f Fact> {
    let mut facts: Vec<&Fact> = facts.into_iter().collect();
    facts.sort_by(|a, b| a.position.cmp(&b.position));
    facts.dedup_by(|a, b| a.position == b.position);
    facts
}

/// Is a step of decay to come: when, of which fact, by which rule.
type Step = (DateTime<Utc>, Position, RuleId);

/// Is a fold under way.
pub(super) struct Run<'r> {
    rules: &'r ScoringRules,
    score: Score,
    entries: Vec<Entry>,
    /// What decays, by its next step, with its type and what is left of it.
    live: BTreeMap<Step, (EventType, i64)>,
    /// What facts that are not here have to come: the next step of all of them.
    unseen_step: Option<DateTime<Utc>>,
}

impl<'r> Run<'r> {
    /// Goes on from where a fold stands.
    pub(super) fn going_on(score: Score, rules: &'r ScoringRules) -> Self {
        let unseen_step = score.fold.changes_at;
        Self { rules, score, entries: Vec::new(), live: BTreeMap::new(), unseen_step }
    }

    /// Adds the next fact.
    pub(super) fn add(&mut self, fact: &Fact) {
        let rules = self.rules;
        self.score.fold.count([fact]);
        self.decay(Some(fact.position.occurred_at));
        let counting: Vec<&ScoringRule> = rules.rules.iter().filter(|rule| rule.counts(fact)).collect();
        if counting.is_empty() {
            self.enter(fact, None, 0);
        }
        for rule in counting {
            match rule.effect {
                Effect::SetTo(points) => {
                    self.enter(fact, Some(&rule.id), i64::from(points) - self.score.points);
                    self.live.clear();
                    self.unseen_step = None;
                    self.score.fold.given.clear();
                    self.score.fold.last_set = Some(fact.position.clone());
                }
                Effect::Points(points) => {
                    let points = self.granted(rule, points, fact.position.occurred_at);
                    self.enter(fact, Some(&rule.id), points);
                    if let Some(decay) = rules.decay.filter(|_| points != 0) {
                        let at = decay.next(fact.position.occurred_at);
                        let step = (at, fact.position.clone(), rule.id.clone());
                        self.live.insert(step, (fact.kind.clone(), points));
                    }
                }
            }
        }
        self.score.fold.last = Some(fact.position.clone());
    }

    /// Ends with the steps that are due.
    pub(super) fn finish(mut self) -> Folded {
        self.decay(None);
        let fold = &mut self.score.fold;
        let next = self.live.first_key_value().map(|((at, ..), _)| *at);
        fold.changes_at = next.into_iter().chain(self.unseen_step).min();
        // An empty ledger is the same under all rules.
        fold.rules_version = fold.last.as_ref().map_or(0, |_| self.rules.version);
        Folded { entries: self.entries, score: self.score }
    }

    /// Gives what is left of a rule's points under its caps, and notes it.
    fn granted(&mut self, rule: &ScoringRule, points: i32, at: DateTime<Utc>) -> i64 {
        let before = self.score.fold.given.get(&rule.id);
        if rule.once && before.is_some() {
            return 0;
        }
        let mut given = before.copied().unwrap_or_default();
        let window =
            rule.window.map(|cap| (at.timestamp().div_euclid(86_400 * i64::from(cap.days.get())), cap));
        let in_window =
            |number| given.window.filter(|(last, _)| *last == number).map_or(0, |(_, points)| points);
        let mut size = points.unsigned_abs();
        if let Some(cap) = rule.cap {
            size = size.min(cap.saturating_sub(given.points));
        }
        if let Some((number, cap)) = window {
            size = size.min(cap.points.saturating_sub(in_window(number)));
        }
        if let Some(max) = self.rules.max_score.filter(|_| points > 0) {
            let room = max.saturating_sub(self.score.points).max(0);
            size = size.min(u32::try_from(room).unwrap_or(u32::MAX));
        }
        if rule.remembers() {
            given = Given {
                points: given.points.saturating_add(size),
                window: window.map(|(number, _)| (number, in_window(number).saturating_add(size))),
            };
            self.score.fold.given.insert(rule.id.clone(), given);
        }
        i64::from(points.signum()) * i64::from(size)
    }

    fn enter(&mut self, fact: &Fact, rule: Option<&RuleId>, points: i64) {
        self.score.points = self.score.points.saturating_add(points);
        self.entries.push(Entry {
            event_id: fact.position.event_id.clone(),
            kind: fact.kind.clone(),
            rule: rule.cloned(),
            points,
            occurred_at: fact.position.occurred_at,
            after: self.score.points,
            cause: Cause::Fact,
        });
    }

    /// Takes the steps that are due, of them those up to a moment.
    fn decay(&mut self, until: Option<DateTime<Utc>>) {
        let (Some(decay), Some(to)) = (self.rules.decay, self.score.fold.decayed_to) else { return };
        let until = until.map_or(to, |until| until.min(to));
        while let Some(step) = self.live.first_entry().filter(|step| step.key().0 <= until) {
            let ((at, position, rule), (kind, points)) = step.remove_entry();
            let left = decay.left(points);
            self.score.points = self.score.points.saturating_sub(points - left);
            self.entries.push(Entry {
                event_id: position.event_id.clone(),
                kind: kind.clone(),
                rule: Some(rule.clone()),
                points: left - points,
                occurred_at: at,
                after: self.score.points,
                cause: Cause::Decay,
            });
            if left != 0 {
                self.live.insert((decay.next(at), position, rule), (kind, left));
            }
        }
    }
}
