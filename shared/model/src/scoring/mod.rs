//! Scoring: what engagement is worth, and why.
//!
//! Somebody's [`Event`] becomes a [`Fact`] in the ledger of a contact. Facts are never changed; a
//! fact is known by its contact and its [`Position`]: when it happened, to the millisecond, and
//! the id that its sender gave it. The score is the [`fold`] of the ledger in the order of
//! positions under the [`ScoringRules`] of the tenant, so that neither the order of delivery nor
//! a delivery more changes it, and each point has an [`Entry`] that says where it comes from.
//!
//! # What holds at every moment
//! - The points of the entries sum to the score.
//! - A rule with `set_to` starts afresh: what happened before adds nothing, whenever it is told,
//!   and caps count anew. So nothing before the last such fact has to be read again.
//! - Of one fact every rule that fits has an entry, in the order of the rules; where none fits there
//!   is one entry of no points.
//! - A fact that the sender marked as a machine's has no points and is no engagement. Bounces and
//!   unsubscribes are meant whoever reports them: there the mark says nothing.
//! - Decay is part of the fold: the steps up to a moment, each an entry of its own. A contact keeps
//!   up to when its score is decayed; that moment goes on when the clock takes a step that is due, and
//!   with every fold of the whole ledger, so that what is told late never shows what it has lost.
//!   Between those moments no step is due, and the score is the same at each.
//!
//! # Where the fold stands
//! A contact keeps its [`Score`]: the sum, and in [`Fold`] what is needed to add a fact that is
//! newer than all others without reading them. [`Score::absorb`] does that, or says from where on
//! facts have to be read for [`Score::refolded`].

mod condition;
mod decay;
mod effects;
mod event;
mod fact;
mod fold;
mod pattern;
mod properties;
mod refold;
mod rules;
mod rules_json;
mod score;
#[cfg(test)]
mod tests;

pub use condition::{Condition, ConditionKey};
pub use decay::Decay;
pub use effects::{engaged, status_after};
pub use event::{Event, EventFault, EventId, EventType};
pub use fact::{Fact, Position};
pub use fold::{Cause, Entry, Folded, fold};
pub use pattern::{Pattern, PropertyTest};
pub use properties::{MAX_PROPERTIES_BYTES, Properties};
pub use refold::{Refold, RefoldPlan, RefoldRange};
pub use rules::{Effect, MAX_RULES, Published, RuleId, ScoringRule, ScoringRules, Tiers, WindowCap};
pub use rules_json::RulesFault;
pub use score::{Behind, Fold, Given, Score};
