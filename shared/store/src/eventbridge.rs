//! The bus on EventBridge.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use futures::{StreamExt, stream};
use model::TenantId;
use model::scoring::Event;
use serde_json::json;

use crate::sdk::{name_from_env, store_error};
use crate::{DOMAIN, DomainEvent, DomainEventBus, ENGAGEMENT, EventBus, SdkConfig, StoreError};

/// What one PutEvents takes.
const EVENTS_A_CALL: usize = 10;
const CALLS_AT_ONCE: usize = 8;
/// How often what the bus did not take is put again.
const ROUNDS: u32 = 4;

/// Puts events on one bus of EventBridge.
#[derive(Debug, Clone)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

impl EventBridge {
    /// Connects to a bus by its name.
    pub fn new(sdk: &SdkConfig, bus: String) -> Self {
        Self { client: Client::from_conf(sdk.eventbridge().build()), bus }
    }

    /// Connects to the bus that `LEADS_EVENT_BUS` names.
    ///
    /// # Errors
    /// [`StoreError::Refused`] naming the variable when it is missing.
    pub fn from_env(sdk: &SdkConfig) -> Result<Self, StoreError> {
        Ok(Self::new(sdk, name_from_env("LEADS_EVENT_BUS")?))
    }

    /// Puts up to ten entries, and those that fail again; gives the places of what is left.
    async fn put(&self, mut entries: Vec<(usize, PutEventsRequestEntry)>) -> Result<Vec<usize>, StoreError> {
        for round in 0..ROUNDS {
            let some = entries.iter().map(|(_, entry)| entry.clone()).collect();
            let answer =
                self.client.put_events().set_entries(Some(some)).send().await.map_err(store_error)?;
            let failed = answer.entries().iter().map(|entry| entry.error_code().is_some());
            entries = entries
                .into_iter()
                .zip(failed)
                .filter(|(_, failed)| *failed)
                .map(|(entry, _)| entry)
                .collect();
            if entries.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50 << round)).await;
        }
        Ok(entries.into_iter().map(|(place, _)| place).collect())
    }

    fn entry(&self, tenant: TenantId, event: &Event) -> PutEventsRequestEntry {
        let mut detail = event.to_json();
        if let Some(members) = detail.as_object_mut() {
            members.insert("tenant_id".to_owned(), json!(tenant));
        }
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(ENGAGEMENT)
            .detail_type(event.kind.as_str())
            .detail(detail.to_string())
            .time(DateTime::from_millis(event.occurred_at.timestamp_millis()))
            .build()
    }
}

impl EventBus for EventBridge {
    async fn publish(&self, tenant: TenantId, events: &[Event]) -> Result<BTreeSet<usize>, StoreError> {
        self.put_all(events.iter().map(|event| self.entry(tenant, event)).enumerate().collect()).await
    }
}

impl DomainEventBus for EventBridge {
    async fn announce(&self, events: &[DomainEvent]) -> Result<BTreeSet<usize>, StoreError> {
        let entry = |event: &DomainEvent| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.bus)
                .source(DOMAIN)
                .detail_type(event.kind.as_str())
                .detail(event.detail().to_string())
                .time(DateTime::from_millis(event.occurred_at.timestamp_millis()))
                .build()
        };
        self.put_all(events.iter().map(entry).enumerate().collect()).await
    }
}

impl EventBridge {
    /// Puts all entries, ten a call, and gives the places of what is left.
    async fn put_all(
        &self,
        entries: Vec<(usize, PutEventsRequestEntry)>,
    ) -> Result<BTreeSet<usize>, StoreError> {
        let calls: Vec<_> = entries.chunks(EVENTS_A_CALL).map(|entries| self.put(entries.to_vec())).collect();
        let left: Vec<_> = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).collect().await;
        let mut places = BTreeSet::new();
        for left in left {
            places.extend(left?);
        }
        Ok(places)
    }
}
