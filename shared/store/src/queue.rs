use std::future::Future;
use std::time::Duration;

use model::{FieldId, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{StoreError, Timer};

/// Asks the loader to load one range of a planned file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeMessage {
    /// Whose file it is; also the queue's message group, so that no tenant holds up another.
    pub tenant: TenantId,
    /// The import.
    pub job: Uuid,
    /// Which range, from 0.
    pub range: u32,
}

/// Hands ranges to loaders, at least once.
pub trait RangeQueue: Send + Sync {
    /// Sends messages; all of them, or an error.
    fn send(&self, messages: &[RangeMessage]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Sends a message that is delivered after a while, at most 15 minutes.
    fn send_later(
        &self,
        message: RangeMessage,
        after: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Asks to index contacts that an import created, which lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexMessage {
    /// Whose contacts.
    pub tenant: TenantId,
    /// The ordinal of the first one.
    pub first: u32,
    /// That of the last one; both are in one block of 65,536.
    pub last: u32,
}

/// Hands blocks of contacts to whoever indexes them, at least once.
pub trait IndexQueue: Send + Sync {
    /// Sends messages; all of them, or an error.
    fn send_blocks(&self, messages: &[IndexMessage]) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Asks to go through a tenant's contacts for a field whose type changed, or that was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepMessage {
    /// Whose contacts.
    pub tenant: TenantId,
    /// The field, by what it is now.
    pub field: FieldId,
}

/// Hands sweeps to whoever works through contacts, at least once.
pub trait SweepQueue: Send + Sync {
    /// Sends a message.
    fn send_sweep(&self, message: SweepMessage) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Sends a message that is delivered after a while, at most 15 minutes.
    fn send_sweep_later(
        &self,
        message: SweepMessage,
        after: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Asks to fold a tenant's contacts anew, under rules that are in force since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefoldMessage {
    /// Whose contacts.
    pub tenant: TenantId,
    /// The version of the rules.
    pub rules_version: u64,
    /// Which contacts: their first ordinal and the one behind the last. None is to find out, and to
    /// send a message for each range.
    pub range: Option<(u32, u32)>,
}

/// Hands contacts to whoever folds them, at least once.
pub trait RefoldQueue: Send + Sync {
    /// Sends messages; all of them, or an error.
    fn send_refolds(&self, messages: &[RefoldMessage])
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Sends a message that is delivered after a while, at most 15 minutes.
    fn send_refold_later(
        &self,
        message: RefoldMessage,
        after: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Is what the clock does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockMessage {
    /// Looks what is due; a schedule asks for it each minute.
    Tick,
    /// Does what was due, and is claimed until then.
    Run(Timer),
}

/// Hands what is due to whoever does it, at least once.
pub trait ClockQueue: Send + Sync {
    /// Sends a message for each timer; all of them, or an error.
    fn send_timers(&self, timers: &[Timer]) -> impl Future<Output = Result<(), StoreError>> + Send;
}
