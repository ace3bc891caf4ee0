//! Counting the events that were taken.
//!
//! Queue and bus deliver again what they delivered, in other company. So a batch's record names the
//! deliveries it counts, and a day is the number of those that any record names.

use std::collections::BTreeMap;

use aws_lambda_events::event::sqs::SqsMessage;
use chrono::{DateTime, NaiveDate, Utc};
use model::TenantId;
use serde_json::Value;
use store::{Consumed, StoreError, UsageKind, UsageParts, UsageRecord};
use uuid::Uuid;

use crate::{Deps, ScoringStore};

/// Is what an event is counted as, the same whenever it is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    day: NaiveDate,
    id: Uuid,
}

impl Taken {
    /// Takes the id that the bus gave an event, or else its message's, and the day its message was
    /// sent: the bus's time is when it happened.
    pub(crate) fn of(message: &SqsMessage, body: Option<&Value>, now: DateTime<Utc>) -> Self {
        let text = |name: &str| body.and_then(|body| body.get(name)?.as_str());
        let id = text("id").and_then(|id| Uuid::parse_str(id).ok());
        let id = id.or_else(|| Uuid::parse_str(message.message_id.as_deref()?).ok());
        let sent_ms = message.attributes.get("SentTimestamp").and_then(|sent| sent.parse().ok());
        let sent = sent_ms.and_then(DateTime::from_timestamp_millis).unwrap_or(now);
        Self { day: sent.date_naive(), id: id.unwrap_or_else(Uuid::new_v4) }
    }
}

/// Counts events of a tenant, if there is one.
pub(crate) async fn record_usage<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: TenantId,
    taken: Vec<Taken>,
) -> Result<(), StoreError> {
    if deps.tenant(tenant).await?.is_none() {
        return Ok(());
    }
    let mut days: BTreeMap<NaiveDate, Vec<Uuid>> = BTreeMap::new();
    for Taken { day, id } in taken {
        days.entry(day).or_default().push(id);
    }
    for (day, ids) in days {
        let parts: UsageParts = ids.into_iter().collect();
        let record = UsageRecord {
            kind: UsageKind::Events,
            id: Uuid::new_v4().to_string(),
            amount: parts.len() as u64,
            parts,
            consumed: Consumed::default(),
            at: deps.clock.now(),
        };
        deps.store.record_usage(tenant, day, &record).await?;
    }
    Ok(())
}
