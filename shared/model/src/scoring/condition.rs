//! What has to be true of the contact for a rule to count.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{EventType, RulesFault, ScoringRules};
use crate::rule::{
    Bound, FieldRef, Moment, NoLists, Parsed, Place, Rule, RuleError, StandardField, Subject, Zone, bind,
};
use crate::{Contact, Fields, Invalid};

/// Finds a condition by what it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConditionKey(String);

impl ConditionKey {
    const BYTES: usize = 6;
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ConditionKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if text.len() == 2 * Self::BYTES && text.chars().all(is_hex) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new("invalid_condition_key", "a key of a condition has 12 hexadecimal digits"))
    }
}

/// Is what has to be true of a contact for a rule to count: looked at once, when a fact is
/// recorded, at the time at which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition(Parsed);

impl Condition {
    /// Takes a rule, unless it reads what scoring itself moves: the order of delivery would decide.
    ///
    /// # Errors
    /// `not_in_conditions` with the place.
    pub fn new(parsed: Parsed) -> Result<Self, RuleError> {
        let mut places = parsed.places.iter();
        let mut refused = None;
        parsed.rule.each_leaf(&mut |leaf| {
            let place = places.next();
            if let Some(what) = moved_by_scoring(leaf)
                && refused.is_none()
            {
                refused = Some((what, place.map_or(Place::Column(1), |place| place.field.clone())));
            }
        });
        match refused {
            None => Ok(Self(parsed)),
            Some((what, place)) => Err(RuleError {
                code: "not_in_conditions",
                detail: format!("{what} cannot decide on points: events move it; use another field").into(),
                place,
            }),
        }
    }

    /// Binds the condition to the fields of a tenant.
    ///
    /// # Errors
    /// What does not fit the fields.
    pub fn bind(&self, fields: &Fields, moment: &Moment) -> Result<Bound, Vec<RuleError>> {
        bind(&self.0, fields, &NoLists, moment).map(|(bound, _)| bound)
    }

    /// Finds it in facts: two conditions that say the same have one key.
    pub fn key(&self) -> ConditionKey {
        let hash = Sha256::digest(self.to_string());
        ConditionKey(hash.iter().take(ConditionKey::BYTES).map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Display for Condition {
    /// Prints the query string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.rule.fmt(f)
    }
}

fn moved_by_scoring(leaf: &Rule) -> Option<String> {
    match leaf {
        Rule::Field { field: FieldRef::Standard(field), .. } => matches!(
            field,
            StandardField::Score
                | StandardField::Tier
                | StandardField::Status
                | StandardField::UpdatedAt
                | StandardField::LastEngaged(_)
                | StandardField::Engagements(_)
        )
        .then(|| format!("`{}`", field.as_str())),
        Rule::Segment(_) => Some("a segment".to_owned()),
        _ => None,
    }
}

impl ScoringRules {
    /// Tells which conditions hold of a contact for an event that it takes part in. What no longer
    /// fits the fields of the tenant holds of nobody.
    pub fn conditions_met(
        &self,
        kind: &EventType,
        at: DateTime<Utc>,
        contact: &Contact,
        fields: &Fields,
        zone: &Zone,
    ) -> BTreeSet<ConditionKey> {
        let of_kind = self.rules.iter().filter(|rule| rule.pattern.kind == *kind);
        let conditions = of_kind.filter_map(|rule| rule.condition.as_ref());
        let moment = Moment::new(at, zone.clone());
        let lists = BTreeSet::new();
        let subject = Subject { contact, lists: &lists };
        conditions
            .filter(|condition| condition.bind(fields, &moment).is_ok_and(|bound| bound.matches(subject)))
            .map(Condition::key)
            .collect()
    }

    /// Finds what does not fit the fields of a tenant: such a condition would hold of nobody.
    pub fn misfits(&self, fields: &Fields, moment: &Moment) -> Vec<RulesFault> {
        let conditions = self.rules.iter().enumerate();
        let conditions = conditions.filter_map(|(n, rule)| Some((n, rule.condition.as_ref()?)));
        conditions
            .flat_map(|(n, condition)| {
                let at = format!("/rules/{n}/condition");
                let errors = match bind(&condition.0, fields, &NoLists, moment) {
                    Ok((_, warnings)) => warnings.into_iter().map(RuleError::from).collect(),
                    Err(errors) => errors,
                };
                errors.into_iter().map(move |error| RulesFault::in_condition(&at, error))
            })
            .collect()
    }
}
