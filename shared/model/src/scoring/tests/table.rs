//! The table of the default rules, and what the fold makes of it.

use super::super::{Effect, Score, fold, status_after};
use super::*;
use crate::{Engagement, Status, Tier};

fn score_of(facts: &[Fact]) -> i64 {
    fold(facts, &ScoringRules::default(), None).score.points
}

#[test]
fn the_table_of_the_defaults_holds() {
    for (kind, points) in [
        ("email.opened", 1),
        ("email.clicked", 5),
        ("email.replied", 10),
        ("pricing_page.visited", 20),
        ("email.bounced", -50),
        ("email.unsubscribed", 0),
        ("webinar.joined", 0),
    ] {
        assert_eq!(score_of(&[fact(0, "a", kind)]), points, "{kind}");
    }
    let last = ScoringRules::default().rules.pop().unwrap();
    assert_eq!((last.id.as_str(), last.effect), ("unsubscribed", Effect::SetTo(0)));
}

#[test]
fn an_unsubscribe_makes_the_score_zero_and_what_follows_counts_again() {
    let stream = [
        fact(0, "a", "pricing_page.visited"),
        fact(1, "b", "email.unsubscribed"),
        fact(2, "c", "email.opened"),
    ];
    let folded = fold(&stream, &ScoringRules::default(), None);
    let told: Vec<(i64, i64)> = folded.entries.iter().map(|entry| (entry.points, entry.after)).collect();
    assert_eq!(told, [(20, 20), (-20, 0), (1, 1)]);
    assert_eq!(folded.score.fold.last_set.as_ref(), Some(&stream[1].position));
}

#[test]
fn a_late_event_before_an_unsubscribe_adds_nothing() {
    let rules = ScoringRules::default();
    let stream = [fact(5, "b", "email.unsubscribed"), fact(6, "c", "email.replied")];
    let score = Score::default().absorb(&stream, &rules, start()).unwrap();
    let late = score.absorb(&[fact(4, "a", "pricing_page.visited")], &rules, start()).unwrap();
    assert_eq!((late.points, late.fold.last_set, late.fold.last), (10, score.fold.last_set, score.fold.last));
    assert_eq!(late.fold.counts, [(Engagement::Replied, 1), (Engagement::Visited, 1)].into());
}

#[test]
fn a_late_unsubscribe_takes_what_came_before_it_and_nothing_else() {
    let rules = ScoringRules::default();
    let known = [fact(0, "a", "pricing_page.visited"), fact(9, "c", "email.clicked")];
    let score = Score::default().absorb(&known, &rules, start()).unwrap();
    let late = [fact(5, "b", "email.unsubscribed")];
    let behind = score.absorb(&late, &rules, start()).unwrap_err();
    assert_eq!(behind.from, None);
    assert_eq!(score.refolded(&behind, &known, &late, &rules, start()).points, 5);
}

#[test]
fn what_a_machine_did_is_told_and_has_no_points() {
    let machine = Fact { machine: true, ..fact(0, "a", "email.opened") };
    let folded = fold([&machine], &ScoringRules::default(), None);
    assert_eq!((folded.score.points, folded.entries.len(), folded.entries[0].points), (0, 1, 0));
    assert_eq!((machine.engagement(), &folded.entries[0].rule), (None, &None));
    let bounce = Fact { machine: true, ..fact(0, "a", "email.bounced") };
    assert_eq!(score_of(&[bounce]), -50);
}

#[test]
fn a_hard_bounce_and_an_unsubscribe_set_the_status_and_a_soft_bounce_does_not() {
    let bounce = |kind: &str| with(fact(0, kind, "email.bounced"), json!({"bounce_type": kind}));
    let unsubscribe = fact(1, "u", "email.unsubscribed");
    let after = |facts: &[Fact]| status_after(Status::Active, facts);
    assert_eq!(after(&[bounce("hard")]), Status::Bounced);
    assert_eq!(after(&[bounce("soft"), fact(0, "x", "email.bounced")]), Status::Active);
    assert_eq!(after(&[unsubscribe.clone(), bounce("hard")]), Status::Unsubscribed);
    assert_eq!(after(&[bounce("hard"), unsubscribe]), Status::Unsubscribed);
    assert_eq!(status_after(Status::Pending, &[fact(0, "o", "email.opened")]), Status::Pending);
}

#[test]
fn engagement_remembers_the_last_moment_whatever_comes_late() {
    let facts = [fact(5, "a", "email.opened"), fact(2, "b", "email.opened"), fact(3, "c", "docs.visited")];
    let moments = crate::scoring::engaged(&Default::default(), &facts);
    assert_eq!(moments[&Engagement::Opened], after_minutes(5));
    assert_eq!(moments[&Engagement::Visited], after_minutes(3));
    let imported = [(Engagement::Opened, after_minutes(60))].into();
    assert_eq!(crate::scoring::engaged(&imported, &facts)[&Engagement::Opened], after_minutes(60));
}

fn after_minutes(minutes: i64) -> DateTime<Utc> {
    super::after(minutes)
}

#[test]
fn events_of_one_moment_go_by_their_ids() {
    let both = [fact(0, "b", "email.unsubscribed"), fact(0, "a", "email.replied")];
    assert_eq!(score_of(&both), 0);
    let swapped = [fact(0, "a", "email.unsubscribed"), fact(0, "b", "email.replied")];
    assert_eq!(score_of(&swapped), 10);
}

#[test]
fn tiers_begin_where_the_rules_say() {
    let tiers = ScoringRules::default().tiers;
    let scores = [-50, 0, 19, 20, 49, 50, 1_000];
    let expected = [Tier::Cold, Tier::Cold, Tier::Cold, Tier::Warm, Tier::Warm, Tier::Hot, Tier::Hot];
    assert_eq!(scores.map(|score| tiers.of(score)), expected);
}
