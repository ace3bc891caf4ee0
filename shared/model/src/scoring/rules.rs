use std::fmt;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use super::{Condition, Decay, EventType, Fact, Pattern};
use crate::{Invalid, Tier};

/// Most rules of a tenant.
pub const MAX_RULES: usize = 100;
/// Longest id of a rule.
const MAX_RULE_ID_BYTES: usize = 40;

/// Names a rule in explanations; its tenant chose it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RuleId(String);

impl RuleId {
    /// Takes a name.
    ///
    /// # Errors
    /// `invalid_rule_id`
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if (1..=MAX_RULE_ID_BYTES).contains(&text.len()) && text.chars().all(letter) {
            return Ok(Self(text.to_owned()));
        }
        let detail =
            format!("a rule's id has 1 to {MAX_RULE_ID_BYTES} lower-case letters, digits, `_` and `-`");
        Err(Invalid::new("invalid_rule_id", detail))
    }

    /// Gives the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RuleId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<RuleId> for String {
    fn from(id: RuleId) -> Self {
        id.0
    }
}

/// Says what a rule does to the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Adds points, or takes some off.
    Points(i32),
    /// Makes the score this, and starts afresh.
    SetTo(i32),
}

/// Bounds what a rule adds within days that follow each other: the first ones begin with 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowCap {
    /// Most points, or most that are taken off.
    pub points: u32,
    /// How many days go together.
    pub days: NonZeroU16,
}

/// Says what events of one kind are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoringRule {
    /// Its name, unique among the rules.
    pub id: RuleId,
    /// Which events.
    pub pattern: Pattern,
    /// What has to be true of the contact.
    pub condition: Option<Condition>,
    /// What it does.
    pub effect: Effect,
    /// Whether only the first event counts.
    pub once: bool,
    /// Most points over all.
    pub cap: Option<u32>,
    /// Most points in some days.
    pub window: Option<WindowCap>,
}

impl ScoringRule {
    /// Makes a rule that adds points for every event of a type.
    pub fn new(id: RuleId, kind: EventType, effect: Effect) -> Self {
        Self {
            id,
            pattern: Pattern { kind, tests: Vec::new() },
            condition: None,
            effect,
            once: false,
            cap: None,
            window: None,
        }
    }

    /// Tells whether the rule counts a fact, caps aside.
    pub fn counts(&self, fact: &Fact) -> bool {
        !fact.is_silent()
            && self.pattern.fits(fact)
            && self.condition.as_ref().is_none_or(|condition| fact.met.contains(&condition.key()))
    }

    /// Tells whether something must be known of the events that it counted before.
    pub(super) fn remembers(&self) -> bool {
        self.once || self.cap.is_some() || self.window.is_some()
    }
}

/// Says from how many points on a contact is warm, and hot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// From here on warm.
    pub warm: i64,
    /// From here on hot.
    pub hot: i64,
}

impl Default for Tiers {
    fn default() -> Self {
        Self { warm: 20, hot: 50 }
    }
}

impl Tiers {
    /// Ranks a score.
    pub fn of(self, score: i64) -> Tier {
        if score >= self.hot {
            Tier::Hot
        } else if score >= self.warm {
            Tier::Warm
        } else {
            Tier::Cold
        }
    }
}

/// Holds what a tenant gives points for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoringRules {
    /// The rules, in the order in which they look at an event.
    pub rules: Vec<ScoringRule>,
    /// Above this no rule adds anything.
    pub max_score: Option<i64>,
    /// What time takes off.
    pub decay: Option<Decay>,
    /// What scores are called.
    pub tiers: Tiers,
    /// Counts the changes of what events are worth, from 0 for the defaults.
    pub version: u64,
}

/// Says which rules and tiers of a tenant are in force. Part of what is known of every tenant, so
/// that a tier takes no look at the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Published {
    /// Counts all changes, from 0 for the defaults.
    pub revision: u64,
    /// The version of the rules. Other tiers leave it: no score changes with them.
    pub version: u64,
    /// What scores are called.
    pub tiers: Tiers,
}

impl Default for ScoringRules {
    /// Gives the rules of who said nothing else.
    fn default() -> Self {
        let table = [
            ("opened", "email.opened", Effect::Points(1)),
            ("clicked", "email.clicked", Effect::Points(5)),
            ("replied", "email.replied", Effect::Points(10)),
            ("pricing_visited", "pricing_page.visited", Effect::Points(20)),
            ("bounced", "email.bounced", Effect::Points(-50)),
            ("unsubscribed", "email.unsubscribed", Effect::SetTo(0)),
        ];
        let rules = table.into_iter().filter_map(|(id, kind, effect)| {
            Some(ScoringRule::new(RuleId::parse(id).ok()?, EventType::parse(kind).ok()?, effect))
        });
        Self { rules: rules.collect(), max_score: None, decay: None, tiers: Tiers::default(), version: 0 }
    }
}

impl ScoringRules {
    /// Tells whether the same events make the same score, whatever it is called.
    pub fn scores_like(&self, other: &Self) -> bool {
        (&self.rules, self.max_score, self.decay) == (&other.rules, other.max_score, other.decay)
    }
}
