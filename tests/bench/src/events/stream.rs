//! Engagement events made from a seed, and what a plain fold makes of them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::rows::Rows;

/// Types with how many of a hundred events have them.
const KINDS: [(&str, u64); 7] = [
    ("email.opened", 50),
    ("email.clicked", 20),
    ("pricing_page.visited", 13),
    ("email.replied", 8),
    ("webinar.joined", 5),
    ("email.bounced", 3),
    ("email.unsubscribed", 1),
];
/// What machines do, of a hundred.
const MACHINES: u64 = 5;
/// Events lie within this, so that some of a contact share their minute.
const SECONDS: u64 = 30 * 86_400;

/// Makes events of contacts.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    /// How many different ones.
    pub events: u64,
    /// Of how many contacts.
    pub contacts: u64,
    /// Makes other events.
    pub seed: u64,
}

/// Is what a contact shows of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// The score.
    pub score: i64,
    /// Opens, clicks, replies, visits.
    pub counts: [u64; 4],
}

/// Is one event, as far as the score goes.
#[derive(Debug, Clone, Copy)]
struct Made {
    contact: u64,
    kind: &'static str,
    at: DateTime<Utc>,
    machine: bool,
}

impl Stream {
    /// Gives event `n` as a sender tells it.
    pub fn event(&self, rows: &Rows, n: u64) -> Value {
        let made = self.made(n);
        let properties =
            if made.kind == "email.bounced" { json!({ "bounce_type": "soft" }) } else { json!({}) };
        json!({
            "id": id(n),
            "type": made.kind,
            "contact": { "email": rows.email(made.contact) },
            "occurred_at": made.at,
            "properties": properties,
            "machine": made.machine,
        })
    }

    fn made(&self, n: u64) -> Made {
        let random = |what: u64| mixed(self.seed ^ mixed(n * 4 + what));
        let mut share = random(1) % 100;
        let kind = KINDS.iter().find(|(_, of_hundred)| {
            let found = share < *of_hundred;
            share = share.saturating_sub(*of_hundred);
            found
        });
        Made {
            contact: random(0) % self.contacts.max(1),
            kind: kind.map_or("email.opened", |(kind, _)| kind),
            at: DateTime::UNIX_EPOCH
                + TimeDelta::days(20_000)
                + TimeDelta::seconds((random(2) % SECONDS) as i64),
            machine: random(3) % 100 < MACHINES,
        }
    }

    /// Gives the order of delivery: every event, a share of them once more, all of them shuffled.
    pub fn deliveries(&self, duplicates: f64) -> Vec<u64> {
        let again = (self.events as f64 * duplicates) as u64;
        let again = (0..again).map(|n| mixed(self.seed ^ mixed(!n)) % self.events.max(1));
        let mut order: Vec<u64> = (0..self.events).chain(again).collect();
        for last in (1..order.len()).rev() {
            let other = mixed(self.seed.wrapping_add(last as u64)) % (last as u64 + 1);
            order.swap(last, other as usize);
        }
        order
    }

    /// Folds in the plainest way, by the table of the default rules: contact by contact, in the order
    /// in which things happened.
    pub fn naive(&self) -> Vec<Shown> {
        let mut all: Vec<(u64, DateTime<Utc>, String, Made)> = (0..self.events)
            .map(|n| (n, self.made(n)))
            .map(|(n, made)| (made.contact, made.at, id(n), made))
            .collect();
        all.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
        let mut shown = vec![Shown::default(); self.contacts as usize];
        for (contact, _, _, made) in all {
            let Some(shown) = shown.get_mut(contact as usize) else { continue };
            let (points, counter) = match made.kind {
                "email.bounced" => (-50, None),
                "email.unsubscribed" => (-shown.score, None),
                _ if made.machine => (0, None),
                "email.opened" => (1, Some(0)),
                "email.clicked" => (5, Some(1)),
                "email.replied" => (10, Some(2)),
                "pricing_page.visited" => (20, Some(3)),
                _ => (0, None),
            };
            shown.score += points;
            if let Some(count) = counter.and_then(|counter: usize| shown.counts.get_mut(counter)) {
                *count += 1;
            }
        }
        shown
    }
}

fn id(n: u64) -> String {
    format!("evt-{n}")
}

/// Makes bits that look random of a number (the finaliser of SplitMix64).
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_event_is_delivered_and_some_twice() {
        let stream = Stream { events: 1_000, contacts: 10, seed: 1 };
        let order = stream.deliveries(0.1);
        let all: BTreeSet<u64> = order.iter().copied().collect();
        assert_eq!((order.len(), all.len()), (1_100, 1_000));
        assert!(!order.is_sorted());
        let shown = stream.naive();
        assert!(shown.iter().all(|shown| shown.counts.iter().sum::<u64>() > 0));
    }
}
