//! Why a rule holds of a contact or not, and when that changes if nothing but time passes.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use chrono::{DateTime, Months, Utc};
use serde_json::json;

use super::bound::{Bound, Leaf, Node, Test, Value};
use super::calendar::anniversary_edge;
use super::{Moment, Rule, Subject};

/// Anniversaries come back each year; this far they are followed, in months.
const HORIZON: Months = Months::new(30 * 12);

/// Explains one node of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The node's rule.
    pub rule: Rule,
    /// Whether it holds.
    pub holds: bool,
    /// The value that a condition read; none is a missing one.
    pub value: Option<serde_json::Value>,
    /// The first instant at which it holds no longer, or holds, if nothing but time passes. None
    /// is never, or not within 30 years where an anniversary is part of it.
    pub changes_at: Option<DateTime<Utc>>,
    /// The nodes below; below a segment is its rule.
    pub children: Vec<Explanation>,
}

impl Bound {
    /// Explains the rule that this was bound from.
    pub fn explain(&self, rule: &Rule, subject: Subject<'_>) -> Explanation {
        let mut sweep = Sweep::default();
        sweep.add(&self.node, None, subject, &self.moment);
        sweep.run(&self.moment);
        sweep.explanation(rule, &self.node, &mut 0)
    }
}

/// Is a node in the flat order in which explanations are put together.
struct Step<'b> {
    parent: Option<usize>,
    node: &'b Node,
    value: Option<Value<'b>>,
    /// How many of the nodes right below hold.
    holding: usize,
    holds: bool,
    held_at_first: bool,
    changes_at: Option<DateTime<Utc>>,
}

/// Steps from flip to flip of the conditions, and carries each up to the nodes above: a node may
/// change later than any condition below it, and not at all.
#[derive(Default)]
struct Sweep<'b> {
    steps: Vec<Step<'b>>,
    edges: BinaryHeap<Reverse<(DateTime<Utc>, usize)>>,
}

impl<'b> Sweep<'b> {
    /// Adds a node with all below it, and tells whether it holds.
    fn add(&mut self, node: &'b Node, parent: Option<usize>, subject: Subject<'b>, moment: &Moment) -> bool {
        let number = self.steps.len();
        let value = match node {
            Node::Leaf(leaf) => leaf.source.read(subject, moment.tiers),
            _ => None,
        };
        let step =
            Step { parent, node, value, holding: 0, holds: false, held_at_first: false, changes_at: None };
        self.steps.push(step);
        let holding =
            children(node).iter().filter(|child| self.add(child, Some(number), subject, moment)).count();
        let Some(step) = self.steps.get_mut(number) else { return false };
        step.holding = holding;
        step.holds = step.now_holds(moment);
        step.held_at_first = step.holds;
        let edge = step.next_edge(moment);
        self.edges.extend(edge.map(|edge| Reverse((edge, number))));
        step.holds
    }

    /// Lets time pass until nothing changes any more, or to the horizon where there would be no end.
    fn run(&mut self, start: &Moment) {
        let repeats = self
            .steps
            .iter()
            .any(|step| matches!(step.node, Node::Leaf(Leaf { test: Test::Anniversary(_), .. })));
        let horizon = start.now.checked_add_months(HORIZON).filter(|_| repeats);
        while let Some(Reverse((now, _))) = self.edges.peek().copied() {
            // For all conditions alike: one that had stopped before the others would look as if it
            // stood still.
            if horizon.is_some_and(|horizon| now > horizon) {
                return;
            }
            let moment = start.at(now);
            let mut touched = BTreeSet::new();
            // All that flips at one instant flips together: between two of them there is no time.
            while let Some(Reverse((_, number))) = self.edges.peek().copied().filter(|edge| edge.0.0 == now) {
                self.edges.pop();
                self.flip(number, &moment, &mut touched);
                let edge = self.steps.get(number).and_then(|step| step.next_edge(&moment));
                self.edges.extend(edge.map(|edge| Reverse((edge, number))));
            }
            for number in touched {
                if let Some(step) = self.steps.get_mut(number)
                    && step.changes_at.is_none()
                    && step.holds != step.held_at_first
                {
                    step.changes_at = Some(now);
                }
            }
        }
    }

    /// Looks at a condition again, and at the nodes above as far as they change.
    fn flip(&mut self, number: usize, moment: &Moment, touched: &mut BTreeSet<usize>) {
        let mut next = Some(number);
        while let Some(step) = next.and_then(|number| self.steps.get_mut(number)) {
            let holds = step.now_holds(moment);
            if holds == step.holds {
                break;
            }
            step.holds = holds;
            touched.extend(next);
            next = step.parent;
            if let Some(parent) = next.and_then(|number| self.steps.get_mut(number)) {
                parent.holding = if holds { parent.holding + 1 } else { parent.holding.saturating_sub(1) };
            }
        }
    }

    /// Puts the explanation of a node together; `number` counts through the steps.
    fn explanation(&self, rule: &Rule, node: &Node, number: &mut usize) -> Explanation {
        let step = self.steps.get(*number);
        *number += 1;
        let rules = match node {
            Node::Segment(segment) => std::slice::from_ref(&segment.0),
            _ => rule.children(),
        };
        let below = rules.iter().zip(children(node));
        Explanation {
            rule: rule.clone(),
            holds: step.is_some_and(|step| step.held_at_first),
            value: step.and_then(|step| step.value.as_ref()).map(Value::to_json),
            changes_at: step.and_then(|step| step.changes_at),
            children: below.map(|(rule, node)| self.explanation(rule, node, number)).collect(),
        }
    }
}

impl Step<'_> {
    fn now_holds(&self, moment: &Moment) -> bool {
        match self.node {
            Node::All(nodes) => self.holding == nodes.len(),
            Node::Any(_) | Node::Segment(_) => self.holding > 0,
            Node::Not(_) => self.holding == 0,
            Node::Leaf(leaf) => leaf.at(moment).holds(self.value.as_ref(), moment),
        }
    }

    /// Gives the next instant at which a condition may flip.
    fn next_edge(&self, moment: &Moment) -> Option<DateTime<Utc>> {
        let Node::Leaf(leaf) = self.node else { return None };
        let zone = &moment.zone;
        match (&leaf.test, self.value.as_ref()?) {
            (Test::Days(_, Some(clock)), Value::Day(day)) => {
                clock.covers_day(*day, zone).next_edge(moment.now)
            }
            (Test::Instants(_, Some(clock)), Value::Instant(instant)) => {
                clock.covers_instant(*instant, zone).next_edge(moment.now)
            }
            (Test::Anniversary(span), Value::Day(day)) => anniversary_edge(*day, *span, moment),
            (Test::Anniversary(span), Value::Instant(instant)) => {
                anniversary_edge(zone.day_of(*instant), *span, moment)
            }
            _ => None,
        }
    }
}

fn children(node: &Node) -> &[Node] {
    match node {
        Node::All(nodes) | Node::Any(nodes) => nodes,
        Node::Not(node) => std::slice::from_ref(node),
        Node::Segment(segment) => std::slice::from_ref(&segment.1),
        Node::Leaf(_) => &[],
    }
}

impl Leaf {
    /// Binds the condition to another moment.
    fn at(&self, moment: &Moment) -> Cow<'_, Self> {
        let test = match &self.test {
            Test::Days(_, Some(clock)) => Test::Days(vec![clock.days(moment)], Some(*clock)),
            Test::Instants(_, Some(clock)) => Test::Instants(vec![clock.instants(moment)], Some(*clock)),
            _ => return Cow::Borrowed(self),
        };
        Cow::Owned(Self { test, ..self.clone() })
    }
}

impl Value<'_> {
    /// Shows a value as the API does.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_ref().into(),
            Self::Number(number) => number.to_json(),
            Self::Boolean(boolean) => (*boolean).into(),
            Self::Day(day) => day.to_string().into(),
            Self::Instant(instant) => instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true).into(),
            Self::Tags(tags) => json!(tags),
            Self::Lists(lists) => lists.iter().map(|list| list.0).collect(),
            Self::Words(profile) => json!({
                "first_name": profile.first_name,
                "last_name": profile.last_name,
                "company": profile.company,
                "email": profile.email.as_str(),
            }),
        }
    }
}
