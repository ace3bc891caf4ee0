use std::future::Future;

use chrono::{DateTime, Utc};
use model::TenantId;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Names work that a tenant has because time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimedTask {
    /// Contacts enter and leave segments.
    Segments,
    /// Scores decay.
    Scores,
    /// Lists are changed behind the API.
    Lists,
}

impl TimedTask {
    /// Lists all of them.
    pub const ALL: [Self; 3] = [Self::Segments, Self::Scores, Self::Lists];

    /// Gives the name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Segments => "segments",
            Self::Scores => "scores",
            Self::Lists => "lists",
        }
    }
}

/// Says when a tenant's task is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// Whose task.
    pub tenant: TenantId,
    /// Which.
    pub task: TimedTask,
    /// From when on; to the millisecond.
    pub due_at: DateTime<Utc>,
}

/// Keeps what is to be done at a time. A timer stays until its task says that it is not needed any
/// more: whoever dies at it leaves it to be found again.
pub trait TimerStore: Send + Sync {
    /// Has a task run at a time, or earlier where it is due earlier anyway.
    fn set_timer(&self, timer: &Timer) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives the timers of all tenants that are due.
    fn due_timers(&self, now: DateTime<Utc>) -> impl Future<Output = Result<Vec<Timer>, StoreError>> + Send;

    /// Sets a timer to another time, or takes it away, unless somebody set it since it was read: then
    /// it is false.
    fn move_timer(
        &self,
        read: &Timer,
        to: Option<DateTime<Utc>>,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
