//! What time takes off, and that neither the order of deliveries nor of the clock's ticks matters.

use proptest::prelude::*;

use super::super::{Cause, Decay, Score, fold};
use super::deliveries::{Kept, deliveries, sums_up};
use super::*;

const DAY: i64 = 24 * 60;

fn opens(count: i64, minutes_apart: i64) -> Vec<Fact> {
    (0..count).map(|n| fact(n * minutes_apart, &format!("e{n:02}"), "email.opened")).collect()
}

#[test]
fn points_expire_in_one_step() {
    let rules = rules(
        json!({"decay": {"expire_after_days": 2}, "rules": [{"id": "a", "event": "email.opened", "points": 5}]}),
    );
    let facts = opens(2, 60);
    let at = |minutes| fold(&facts, &rules, Some(after(minutes)));
    let day = 24 * 60;
    assert_eq!(
        (at(2 * day - 1).score.points, at(2 * day).score.points, at(9 * day).score.points),
        (10, 5, 0)
    );
    assert_eq!(at(0).score.fold.changes_at, Some(after(2 * day)));
    assert_eq!(at(2 * day).score.fold.changes_at, Some(after(2 * day + 60)));
    assert_eq!(at(9 * day).score.fold.changes_at, None);
    let last = at(9 * day).entries.pop().unwrap();
    assert_eq!((last.cause, last.points, last.occurred_at), (Cause::Decay, -5, after(2 * day + 60)));
}

#[test]
fn a_half_life_halves_in_whole_points_until_nothing_is_left() {
    let rules = rules(
        json!({"decay": {"half_life_days": 1}, "rules": [{"id": "a", "event": "email.opened", "points": 20}]}),
    );
    let folded = fold(&opens(1, 0), &rules, Some(after(60 * 24 * 30)));
    let told: Vec<i64> = folded.entries.iter().map(|entry| entry.after).collect();
    assert_eq!(told, [20, 10, 5, 2, 1, 0]);
}

#[test]
fn what_was_set_does_not_decay_and_ends_the_decay_of_what_came_before() {
    let rules = rules(json!({"decay": {"expire_after_days": 1}, "rules": [
        {"id": "a", "event": "email.opened", "points": 5},
        {"id": "b", "event": "email.unsubscribed", "set_to": 3}
    ]}));
    let stream = [fact(0, "a", "email.opened"), fact(1, "b", "email.unsubscribed")];
    let folded = fold(&stream, &rules, Some(after(60 * 24 * 30)));
    assert_eq!((folded.score.points, folded.score.fold.changes_at), (3, None));
}

#[test]
fn what_is_told_late_never_shows_the_points_that_it_has_lost() {
    let rules = opens_for(8, &json!({"half_life_days": 1}));
    let now = after(2 * DAY);
    let late = [fact(0, "a", "email.opened")];
    let behind = Score::default().absorb(&late, &rules, now).unwrap_err();
    let score = Score::default().refolded(&behind, &[], &late, &rules, now);
    assert_eq!((score.points, score.fold.changes_at), (2, Some(after(3 * DAY))));
}

#[test]
fn time_alone_asks_for_the_ledger_only_when_a_step_is_due() {
    let rules = opens_for(8, &json!({"expire_after_days": 1}));
    let score = Score::default().absorb(&opens(2, 60), &rules, after(61)).unwrap();
    assert_eq!(score.absorb(&[], &rules, after(DAY - 1)), Ok(score.clone()));
    let behind = score.absorb(&[], &rules, after(DAY)).unwrap_err();
    let half = score.refolded(&behind, &opens(2, 60), &[], &rules, after(DAY));
    assert_eq!((half.points, half.fold.changes_at), (8, Some(after(DAY + 60))));
    // It took the one step, and takes it once.
    assert_eq!(half.absorb(&[], &rules, after(DAY + 1)), Ok(half.clone()));
}

#[test]
fn a_newer_fact_leaves_the_step_that_is_to_come() {
    let rules = opens_for(8, &json!({"expire_after_days": 2}));
    let score = Score::default().absorb(&opens(1, 0), &rules, after(1)).unwrap();
    let score = score.absorb(&[fact(DAY, "f", "email.opened")], &rules, after(DAY)).unwrap();
    assert_eq!((score.points, score.fold.changes_at), (16, Some(after(2 * DAY))));
}

fn opens_for(points: i32, decay: &Value) -> ScoringRules {
    rules(json!({"decay": decay, "rules": [{"id": "a", "event": "email.opened", "points": points}]}))
}

const POINTS: [(&str, i64); 5] = [
    ("email.opened", 3),
    ("email.clicked", 5),
    ("email.replied", 10),
    ("pricing_page.visited", 20),
    ("email.bounced", -50),
];

/// Gives rules without caps, each of them so often what [`POINTS`] says.
fn plain_rules(times: i64, decay: &Value, version: u64) -> ScoringRules {
    let mut rules: Vec<Value> = (0..)
        .zip(POINTS)
        .map(|(n, (kind, points))| json!({"id": format!("r{n}"), "event": kind, "points": points * times}))
        .collect();
    rules.push(json!({"id": "u", "event": "email.unsubscribed", "set_to": 3}));
    ScoringRules::from_json(&json!({"rules": rules, "decay": decay}), version).unwrap()
}

/// Scores in the plainest way: what each fact after the last unsubscribe is worth by now.
fn naive<'f>(
    facts: impl IntoIterator<Item = &'f Fact> + Clone,
    times: i64,
    decay: Option<Decay>,
    now: DateTime<Utc>,
) -> i64 {
    let ends = |fact: &&Fact| fact.kind.as_str() == "email.unsubscribed";
    let last = facts.clone().into_iter().filter(ends).map(|fact| &fact.position).max();
    let rest =
        facts.into_iter().filter(|fact| !fact.machine && last.is_none_or(|last| fact.position > *last));
    let worth = rest.map(|fact| {
        let points =
            POINTS.iter().find(|(kind, _)| *kind == fact.kind.as_str()).map_or(0, |(_, points)| *points);
        // The mark of a machine says nothing of bounces, but those are left out here.
        let days = (now - fact.position.occurred_at).num_days();
        match decay {
            None => points * times,
            Some(Decay::ExpireAfterDays(after)) if days >= i64::from(after.get()) => 0,
            Some(Decay::ExpireAfterDays(_)) => points * times,
            Some(Decay::HalfLifeDays(after)) => {
                (0..days / i64::from(after.get())).fold(points * times, |points, _| points / 2)
            }
        }
    });
    worth.sum::<i64>() + if last.is_some() { 3 } else { 0 }
}

/// Says what happens next.
#[derive(Debug, Clone)]
enum Step {
    /// A batch is delivered.
    Tell,
    /// Minutes pass.
    Pass(i64),
    /// The clock looks who is due.
    Tick,
    /// The clock writes once more what it wrote, as after a crash or by a message that came twice.
    TickTwice,
    /// Other rules are published, and folded.
    Publish(i64, Value),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let decay = prop::sample::select(vec![
        Value::Null,
        json!({"half_life_days": 1}),
        json!({"half_life_days": 2}),
        json!({"expire_after_days": 1}),
        json!({"expire_after_days": 3}),
    ]);
    let step = prop_oneof![
        5 => Just(Step::Tell),
        3 => (1..3_000_i64).prop_map(Step::Pass),
        3 => Just(Step::Tick),
        1 => Just(Step::TickTwice),
        1 => (1..4_i64, decay).prop_map(|(times, decay)| Step::Publish(times, decay)),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #[test]
    fn whatever_happens_in_whatever_order_the_score_is_what_the_facts_are_worth_by_now(
        (_, batches) in deliveries(),
        steps in steps(),
    ) {
        let mut kept = Kept::default();
        let (mut times, mut version) = (2, 1);
        let mut rules = plain_rules(times, &json!({"half_life_days": 1}), version);
        let mut batches = batches.iter();
        for step in steps {
            match step {
                Step::Tell => {
                    // Without machines' bounces, of which the mark says nothing.
                    let batch: Vec<Fact> = batches.next().into_iter().flatten().cloned().collect();
                    let batch: Vec<Fact> = batch.into_iter().filter(|fact| !fact.machine).collect();
                    kept.record(&batch, &rules);
                }
                Step::Pass(minutes) => kept.now += TimeDelta::minutes(minutes),
                Step::Tick | Step::TickTwice if !kept.score.fold.is_due(kept.now) => {}
                Step::Tick => kept.record(&[], &rules),
                Step::TickTwice => {
                    let before = kept.score.clone();
                    kept.record(&[], &rules);
                    let once = std::mem::replace(&mut kept.score, before);
                    kept.record(&[], &rules);
                    prop_assert_eq!(&kept.score, &once);
                    kept.record(&[], &rules);
                    prop_assert_eq!(&kept.score, &once);
                }
                Step::Publish(other, decay) => {
                    (times, version) = (other, version + 1);
                    rules = plain_rules(times, &decay, version);
                    kept.record(&[], &rules);
                }
            }
            let explained = kept.explained(&rules);
            sums_up(&explained);
            prop_assert_eq!(&explained.score, &kept.score);
            if !kept.score.fold.is_due(kept.now) {
                let worth = naive(kept.ledger.values(), times, rules.decay, kept.now);
                prop_assert_eq!(kept.score.points, worth);
            }
        }
    }
}
