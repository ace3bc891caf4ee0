use std::future::Future;

use model::TenantId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::StoreError;

/// Names one request of one tenant: its method, path and the key the caller chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Whose request.
    pub tenant: TenantId,
    /// Hash over method, path and key.
    pub hash: [u8; 32],
    /// Hash over the body, so that a key is not used for two different requests.
    pub body: [u8; 32],
}

impl RequestKey {
    /// Names a request.
    pub fn new(tenant: TenantId, method: &str, path: &str, key: &str, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [method, path, key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self { tenant, hash: hash.finalize().into(), body: Sha256::digest(body).into() }
    }

    /// Marks what the request creates, so that its repetition knows its own work.
    pub fn mark(&self) -> [u8; 16] {
        u128::from_be_bytes(std::array::from_fn(|i| self.hash.get(i).copied().unwrap_or_default()))
            .to_be_bytes()
    }
}

/// Remembers what one item of a batch came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemOutcome {
    /// The status.
    pub status: u16,
    /// The contact, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The problem's code, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Remembers what a request came to; never a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The whole request.
    #[serde(flatten)]
    pub whole: ItemOutcome,
    /// Its items, where it is a batch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemOutcome>,
}

/// Says how a request under an idempotency key begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is the first, or the first one died: act, then finish.
    Fresh,
    /// The same request is running.
    InProgress,
    /// The same request came to this.
    Done(Outcome),
    /// The key was used for another body.
    OtherBody,
}

/// Remembers requests for 24 hours.
pub trait IdempotencyStore: Send + Sync {
    /// Begins a request. One that began over 60 seconds ago and never finished begins again.
    fn begin(&self, key: &RequestKey) -> impl Future<Output = Result<Begun, StoreError>> + Send;

    /// Remembers what a request came to.
    fn finish(
        &self,
        key: &RequestKey,
        outcome: &Outcome,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets a request that came to nothing worth keeping, such as a 5xx.
    fn forget(&self, key: &RequestKey) -> impl Future<Output = Result<(), StoreError>> + Send;
}
