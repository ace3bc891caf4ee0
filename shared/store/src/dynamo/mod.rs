//! DynamoDB: how records lie in the tables.

mod addresses;
mod births;
mod condition;
mod config_item;
mod consent;
mod contact_item;
mod contact_plan;
mod contact_writes;
mod contacts;
mod directory;
mod erasure;
mod fields;
mod frozen;
mod idempotency;
mod index;
mod jobs;
mod ledger;
mod list_jobs;
mod listing;
mod lists;
mod loaders;
mod ordinals;
mod parked;
mod read;
mod rules;
mod schema;
mod stream;
mod suppressions;
mod tenants;
mod timers;
mod transact;
mod transitions;
mod usage;
mod without_token;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity};
use chrono::{DateTime, Utc};
use model::scoring::ScoringRules;
use model::{Fields, ListBook, TenantId};

#[cfg(feature = "testing")]
pub(crate) use self::contact_item::check_size;
pub use self::schema::Tables;
pub use self::stream::{ContactRecord, is_indexed_by_import};
use crate::meter::Meter;
use crate::{Cache, Consumed, Metered, SdkConfig, StoreError};

/// An item as the SDK has it.
type Item = std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;

/// A function that starts has no time for more.
const WARMING: Duration = Duration::from_secs(1);

/// How long it takes until every instance knows of a change of fields and lists. They change seldom,
/// and a missed one is found by [`crate::Freshness::Strong`].
pub const FIELDS_CACHED_FOR: Duration = Duration::from_secs(60);

/// Keeps everything but files in five DynamoDB tables.
#[derive(Debug, Clone)]
pub struct DynamoStore {
    client: Client,
    tables: Arc<Tables>,
    leases: Arc<ordinals::Leases>,
    fields: Cache<TenantId, Arc<Fields>>,
    /// Until when it is noted that a tenant's events may wait.
    parking: Cache<TenantId, DateTime<Utc>>,
    rules: Cache<(TenantId, u64), Arc<ScoringRules>>,
    lists: Cache<TenantId, Arc<ListBook>>,
    meter: Meter,
}

impl DynamoStore {
    /// Connects to tables by name.
    pub fn new(sdk: &SdkConfig, tables: Tables) -> Self {
        Self::with_client(Client::from_conf(sdk.dynamodb().build()), tables)
    }

    /// Connects to the tables that the environment names.
    ///
    /// # Errors
    /// [`StoreError::Refused`] naming the variable that is missing.
    pub fn from_env(sdk: &SdkConfig) -> Result<Self, StoreError> {
        Ok(Self::new(sdk, Tables::from_env()?))
    }

    /// Makes one call while a function starts, so that its first request finds credentials, the
    /// connection and TLS ready.
    pub async fn warm(&self) {
        let name = |text: &str| AttributeValue::S(text.to_owned());
        let call = self.client.get_item().table_name(&self.tables.config);
        let call = call.key("part", name("warm")).key("entry", name("-")).send();
        // However it ends: who needs the table will be told.
        drop(tokio::time::timeout(WARMING, call).await);
    }

    /// Connects so that call number `fail_at` (from 0) fails: before it was sent, or after it took
    /// effect. A crash at any point looks like one of these.
    #[cfg(feature = "testing")]
    pub fn failing(sdk: &SdkConfig, tables: Tables, faults: crate::testing::CallFaults) -> Self {
        Self::with_client(Client::from_conf(sdk.dynamodb().interceptor(faults).build()), tables)
    }

    fn with_client(client: Client, tables: Tables) -> Self {
        Self {
            client,
            tables: Arc::new(tables),
            leases: Arc::default(),
            parking: Cache::new(10_000),
            fields: Cache::new(10_000).for_at_most(FIELDS_CACHED_FOR),
            // A version of rules never changes.
            rules: Cache::new(1_000),
            lists: Cache::new(1_000).for_at_most(FIELDS_CACHED_FOR),
            meter: Meter::default(),
        }
    }

    fn wrote(&self, capacity: Option<&ConsumedCapacity>) {
        let write_units = capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
        self.meter.add(Consumed { write_units, read_units: 0.0 });
    }

    fn read(&self, capacity: Option<&ConsumedCapacity>) {
        let read_units = capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
        self.meter.add(Consumed { write_units: 0.0, read_units });
    }
}

impl Metered for DynamoStore {
    fn metered(&self) -> Self {
        Self { meter: Meter::default(), ..self.clone() }
    }

    fn consumed(&self) -> Consumed {
        self.meter.read()
    }
}
