use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use chrono::{DateTime, NaiveDate, Utc};
use model::TenantId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// Engagement events that the bus delivered, each once.
    Events,
    /// Questions that were put to the search index.
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
    /// Where deliveries come again in other company: what exactly was counted. What several records
    /// of a day name counts once.
    #[serde(default, skip_serializing_if = "UsageParts::is_empty")]
    pub parts: UsageParts,
    /// What that took, as far as is known.
    #[serde(default)]
    pub consumed: Consumed,
    /// When.
    pub at: DateTime<Utc>,
}

/// Names things by 64 bits of their random ids: of a million a day no two are alike.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UsageParts(BTreeSet<u64>);

impl UsageParts {
    /// Tells whether none is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells how many are named.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Uuid> for UsageParts {
    fn from_iter<I: IntoIterator<Item = Uuid>>(ids: I) -> Self {
        // The lower half: of a version 7 the upper one is mostly time.
        Self(ids.into_iter().map(|id| id.as_u64_pair().1).collect())
    }
}

impl From<UsageParts> for String {
    fn from(parts: UsageParts) -> Self {
        let bytes: Vec<u8> = parts.0.iter().flat_map(|part| part.to_be_bytes()).collect();
        BASE64_STANDARD_NO_PAD.encode(bytes)
    }
}

impl TryFrom<String> for UsageParts {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(text)?;
        let (parts, []) = bytes.as_chunks::<8>() else {
            return Err(base64::DecodeError::InvalidLength(bytes.len()));
        };
        Ok(Self(parts.iter().map(|part| u64::from_be_bytes(*part)).collect()))
    }
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
        let mut counted = BTreeSet::new();
        for record in records {
            let again = record.parts.0.iter().filter(|part| !counted.insert((record.kind, **part))).count();
            *day.amounts.entry(record.kind).or_default() += record.amount.saturating_sub(again as u64);
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
