//! Queues on SQS: of ranges, of contacts to fold, and of what is due.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use model::TenantId;
use serde::Serialize;

use crate::sdk::{name_from_env, store_error};
use crate::{
    ClockMessage, ClockQueue, IndexMessage, IndexQueue, RangeMessage, RangeQueue, RefoldMessage, RefoldQueue,
    SdkConfig, StoreError, SweepMessage, SweepQueue, Timer,
};

/// What one SendMessageBatch takes.
const MESSAGES_A_CALL: usize = 10;

/// Is one queue.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) client: Client,
    pub(crate) url: String,
}

impl Queue {
    fn new(sdk: &SdkConfig, url: String) -> Self {
        Self { client: Client::from_conf(sdk.sqs().build()), url }
    }

    /// Connects to the queue whose URL stands in a variable.
    pub(crate) fn from_env(sdk: &SdkConfig, variable: &'static str) -> Result<Self, StoreError> {
        Ok(Self::new(sdk, name_from_env(variable)?))
    }

    async fn send_batch(&self, entries: Vec<SendMessageBatchRequestEntry>) -> Result<(), StoreError> {
        let batch = self.client.send_message_batch().queue_url(&self.url);
        let answer = batch.set_entries(Some(entries)).send().await.map_err(store_error)?;
        match answer.failed().first() {
            Some(failed) => {
                Err(StoreError::Unavailable(format!("the queue refused: {}", failed.code()).into()))
            }
            None => Ok(()),
        }
    }
}

/// Hands ranges to loaders through one SQS queue.
#[derive(Debug, Clone)]
pub struct SqsRanges(Queue);

impl SqsRanges {
    /// Connects to a queue by its URL.
    pub fn new(sdk: &SdkConfig, queue_url: String) -> Self {
        Self(Queue::new(sdk, queue_url))
    }

    /// Connects to the queue that `LEADS_RANGE_QUEUE_URL` names.
    ///
    /// # Errors
    /// [`StoreError::Refused`] naming the variable when it is missing.
    pub fn from_env(sdk: &SdkConfig) -> Result<Self, StoreError> {
        Queue::from_env(sdk, "LEADS_RANGE_QUEUE_URL").map(Self)
    }
}

impl RangeQueue for SqsRanges {
    async fn send(&self, messages: &[RangeMessage]) -> Result<(), StoreError> {
        for messages in messages.chunks(MESSAGES_A_CALL) {
            let entries = messages
                .iter()
                .map(|message| entry(range_id(message), message.tenant, message, Duration::ZERO));
            self.0.send_batch(entries.collect::<Result<_, _>>()?).await?;
        }
        Ok(())
    }

    async fn send_later(&self, message: RangeMessage, after: Duration) -> Result<(), StoreError> {
        self.0.send_batch(vec![entry(range_id(&message), message.tenant, &message, after)?]).await
    }
}

impl SweepQueue for SqsRanges {
    async fn send_sweep(&self, message: SweepMessage) -> Result<(), StoreError> {
        self.send_sweep_later(message, Duration::ZERO).await
    }

    async fn send_sweep_later(&self, message: SweepMessage, after: Duration) -> Result<(), StoreError> {
        self.0.send_batch(vec![entry("sweep".to_owned(), message.tenant, &message, after)?]).await
    }
}

impl IndexQueue for SqsRanges {
    async fn send_blocks(&self, messages: &[IndexMessage]) -> Result<(), StoreError> {
        for messages in messages.chunks(MESSAGES_A_CALL) {
            let entries = messages.iter().map(|message| {
                entry(format!("block-{}", message.first), message.tenant, message, Duration::ZERO)
            });
            self.0.send_batch(entries.collect::<Result<_, _>>()?).await?;
        }
        Ok(())
    }
}

/// Hands contacts to whoever folds them through one SQS queue.
#[derive(Debug, Clone)]
pub struct SqsRefolds(Queue);

impl SqsRefolds {
    /// Connects to a queue by its URL.
    pub fn new(sdk: &SdkConfig, queue_url: String) -> Self {
        Self(Queue::new(sdk, queue_url))
    }

    /// Connects to the queue that `LEADS_REFOLD_QUEUE_URL` names.
    ///
    /// # Errors
    /// [`StoreError::Refused`] naming the variable when it is missing.
    pub fn from_env(sdk: &SdkConfig) -> Result<Self, StoreError> {
        Queue::from_env(sdk, "LEADS_REFOLD_QUEUE_URL").map(Self)
    }
}

impl RefoldQueue for SqsRefolds {
    async fn send_refolds(&self, messages: &[RefoldMessage]) -> Result<(), StoreError> {
        for messages in messages.chunks(MESSAGES_A_CALL) {
            let entries = messages
                .iter()
                .map(|message| entry(refold_id(message), message.tenant, message, Duration::ZERO));
            self.0.send_batch(entries.collect::<Result<_, _>>()?).await?;
        }
        Ok(())
    }

    async fn send_refold_later(&self, message: RefoldMessage, after: Duration) -> Result<(), StoreError> {
        self.0.send_batch(vec![entry(refold_id(&message), message.tenant, &message, after)?]).await
    }
}

/// Hands what is due to whoever does it through one SQS queue.
#[derive(Debug, Clone)]
pub struct SqsClock(Queue);

impl SqsClock {
    /// Connects to a queue by its URL.
    pub fn new(sdk: &SdkConfig, queue_url: String) -> Self {
        Self(Queue::new(sdk, queue_url))
    }

    /// Connects to the queue that `LEADS_CLOCK_QUEUE_URL` names.
    ///
    /// # Errors
    /// [`StoreError::Refused`] naming the variable when it is missing.
    pub fn from_env(sdk: &SdkConfig) -> Result<Self, StoreError> {
        Queue::from_env(sdk, "LEADS_CLOCK_QUEUE_URL").map(Self)
    }
}

impl ClockQueue for SqsClock {
    async fn send_timers(&self, timers: &[Timer]) -> Result<(), StoreError> {
        for timers in timers.chunks(MESSAGES_A_CALL) {
            let entries = timers.iter().enumerate().map(|(place, timer)| {
                entry(format!("timer-{place}"), timer.tenant, &ClockMessage::Run(*timer), Duration::ZERO)
            });
            self.0.send_batch(entries.collect::<Result<_, _>>()?).await?;
        }
        Ok(())
    }
}

/// Hands on what is to be done to all contacts of a tenant, each to its own queue.
#[derive(Debug, Clone)]
pub struct SqsBackground {
    /// Takes sweeps.
    pub ranges: SqsRanges,
    /// Takes contacts to fold.
    pub refolds: SqsRefolds,
}

impl SqsBackground {
    /// Connects to the queues that the environment names.
    ///
    /// # Errors
    /// [`StoreError::Refused`] naming the variable that is missing.
    pub fn from_env(sdk: &SdkConfig) -> Result<Self, StoreError> {
        Ok(Self { ranges: SqsRanges::from_env(sdk)?, refolds: SqsRefolds::from_env(sdk)? })
    }
}

impl SweepQueue for SqsBackground {
    async fn send_sweep(&self, message: SweepMessage) -> Result<(), StoreError> {
        self.ranges.send_sweep(message).await
    }

    async fn send_sweep_later(&self, message: SweepMessage, after: Duration) -> Result<(), StoreError> {
        self.ranges.send_sweep_later(message, after).await
    }
}

impl RefoldQueue for SqsBackground {
    async fn send_refolds(&self, messages: &[RefoldMessage]) -> Result<(), StoreError> {
        self.refolds.send_refolds(messages).await
    }

    async fn send_refold_later(&self, message: RefoldMessage, after: Duration) -> Result<(), StoreError> {
        self.refolds.send_refold_later(message, after).await
    }
}

fn range_id(message: &RangeMessage) -> String {
    format!("range-{}", message.range)
}

fn refold_id(message: &RefoldMessage) -> String {
    message.range.map_or("refold".to_owned(), |(from, _)| format!("refold-{from}"))
}

fn entry(
    id: String,
    tenant: TenantId,
    message: &impl Serialize,
    after: Duration,
) -> Result<SendMessageBatchRequestEntry, StoreError> {
    let body = serde_json::to_string(message).map_err(|e| StoreError::Refused(Box::new(e)))?;
    SendMessageBatchRequestEntry::builder()
        .id(id)
        .message_body(body)
        .message_group_id(tenant.to_string())
        .delay_seconds(i32::try_from(after.as_secs()).unwrap_or(i32::MAX))
        .build()
        .map_err(|e| StoreError::Refused(Box::new(e)))
}
