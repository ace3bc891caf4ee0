use std::collections::BTreeMap;
use std::future::Future;

use chrono::{DateTime, NaiveDate, Utc};
use model::TenantId;
use serde::{Deserialize, Serialize};

use crate::{Consumed, StoreError};

/// Names what is counted, or measured. A further kind is one line here and one in
/// [`UsageKind::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageKind {
    /// Contacts that were there when they were last counted on that day.
    ContactsHeld,
    /// Imports that ended.
    Imports,
    /// Their rows.
    ImportedRows,
    /// Exports that ended.
    Exports,
    /// Engagement events that were taken.
    Events,
    /// Searches that were answered.
    Searches,
}

impl UsageKind {
    /// Lists every kind.
    pub const ALL: [Self; 6] =
        [Self::ContactsHeld, Self::Imports, Self::ImportedRows, Self::Exports, Self::Events, Self::Searches];
}

/// Says that something was done, and how much. The record is kept under the day, its kind and its
/// id: told again it is the same record, so a redelivery changes no sum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// What is counted.
    pub kind: UsageKind,
    /// What was done, named so that its repetition has the same name: an import's id, a message's.
    pub id: String,
    /// How much of it.
    pub amount: u64,
    /// What that took, as far as is known.
    #[serde(default)]
    pub consumed: Consumed,
    /// When.
    pub at: DateTime<Utc>,
}

/// Sums one day.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DayUsage {
    /// Sums by kind; what is not here is zero.
    pub amounts: BTreeMap<UsageKind, u64>,
    /// Capacity units, as far as is known.
    pub consumed: Consumed,
    /// When contacts were last counted.
    pub counted_at: Option<DateTime<Utc>>,
}

impl FromIterator<UsageRecord> for DayUsage {
    fn from_iter<I: IntoIterator<Item = UsageRecord>>(records: I) -> Self {
        let mut day = Self::default();
        for record in records {
            *day.amounts.entry(record.kind).or_default() += record.amount;
            day.consumed = day.consumed + record.consumed;
            if record.kind == UsageKind::ContactsHeld {
                day.counted_at = Some(record.at);
            }
        }
        day
    }
}

/// Keeps what tenants used, by the day.
///
/// There is no counter to add to: a counter that a redelivered message adds to twice is wrong, and
/// a transaction that prevents it doubles the price. Records are few (an import, a batch of events),
/// each a put that can be repeated, and a day is their sum. Contacts held are counted where they
/// lie, when somebody asks: no write of a contact pays for it.
pub trait UsageStore: Send + Sync {
    /// Keeps a record; the same one again changes nothing.
    fn record_usage(
        &self,
        tenant: TenantId,
        day: NaiveDate,
        record: &UsageRecord,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Sums a day.
    fn day_usage(
        &self,
        tenant: TenantId,
        day: NaiveDate,
    ) -> impl Future<Output = Result<DayUsage, StoreError>> + Send;
}
