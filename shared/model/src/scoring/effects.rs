//! What facts change of a contact besides its score. In whatever order they come, and however
//! often, the outcome is the same.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Fact;
use crate::{Engagement, Status};

/// Gives the status of a contact after facts were recorded.
///
/// An unsubscribe is the person's own will and stays when the address bounces too.
pub fn status_after<'f>(status: Status, facts: impl IntoIterator<Item = &'f Fact>) -> Status {
    facts.into_iter().filter_map(Fact::status).fold(status, |status, brought| match (status, brought) {
        (Status::Unsubscribed, _) | (_, Status::Unsubscribed) => Status::Unsubscribed,
        (_, brought) => brought,
    })
}

/// Gives the last moments of engagement after facts were recorded.
pub fn engaged<'f>(
    before: &BTreeMap<Engagement, DateTime<Utc>>,
    facts: impl IntoIterator<Item = &'f Fact>,
) -> BTreeMap<Engagement, DateTime<Utc>> {
    let mut moments = before.clone();
    for fact in facts {
        if let Some(engagement) = fact.engagement() {
            let at = fact.position.occurred_at;
            moments.entry(engagement).and_modify(|last| *last = at.max(*last)).or_insert(at);
        }
    }
    moments
}
