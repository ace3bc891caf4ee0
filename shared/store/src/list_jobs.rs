use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use model::{ListId, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ListEdit, StoreError};

/// How long a job, and whom it still has to change, is kept.
pub const LIST_JOBS_LIVE_FOR: TimeDelta = TimeDelta::days(30);

/// As many failures of one job can be looked at.
pub const MAX_FAILURES_SHOWN: usize = 100;

/// Is a change of a static list that goes on behind the API: first of the contacts that were named,
/// part by part, then of those whom a rule meant, which are kept as a frozen set under the job's id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListJob {
    /// Names it.
    pub id: Uuid,
    /// Which list is changed.
    pub list: ListId,
    /// How many contacts are to be changed.
    pub total: u64,
    /// In how many parts the names lie.
    pub parts: u32,
    /// What is done to whom a rule meant; none if no rule was given.
    pub meant: Option<ListEdit>,
    /// How far it is.
    pub place: ListJobPlace,
    /// What came of it so far.
    pub counts: ListJobCounts,
    /// The first failures.
    pub failures: Vec<ListJobFailure>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it ended early.
    pub problem: Option<ListJobProblem>,
    /// Counts its changes: each is conditional on the one before.
    pub revision: u64,
}

/// Says how far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListJobPlace {
    /// This part of the names comes next.
    Names(u32),
    /// Of those whom the rule meant, the ones below this ordinal come next; all of them from none on.
    Meant(Option<u32>),
}

/// Counts what a job did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListJobCounts {
    /// What was gone through, with contacts that were deleted meanwhile.
    pub done: u64,
    /// Contacts that are on the list by this.
    pub added: u64,
    /// Contacts that are off the list by this.
    pub removed: u64,
    /// Contacts for which it was so before.
    pub unchanged: u64,
    /// Contacts for which it failed.
    pub failed: u64,
}

/// Says which contact was not changed, and why. Its place names it, so that no address is kept here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListJobFailure {
    /// Which way.
    pub edit: ListEdit,
    /// Its place among the names of that way; none where a rule meant it.
    pub index: Option<u64>,
    /// Why.
    pub code: String,
}

/// Says why a job ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListJobProblem {
    /// The list was deleted.
    ListNotFound,
    /// It was not done before what it had to do was forgotten.
    Expired,
}

/// Holds some of the names of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPart {
    /// What is done to them.
    pub edit: ListEdit,
    /// The place of the first one among those of that way.
    pub first: u64,
    /// Ids and addresses, as they were typed.
    pub names: Vec<String>,
}

/// Keeps changes of lists that go on behind the API.
pub trait ListJobStore: Send + Sync {
    /// Keeps a new job and its names, the names first: a job has all of them.
    fn start_list_job(
        &self,
        tenant: TenantId,
        job: &ListJob,
        names: &[NamedPart],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Reads the jobs of a tenant, the newest first.
    fn list_jobs(&self, tenant: TenantId) -> impl Future<Output = Result<Vec<ListJob>, StoreError>> + Send;

    /// Reads one.
    fn list_job(
        &self,
        tenant: TenantId,
        id: Uuid,
    ) -> impl Future<Output = Result<Option<ListJob>, StoreError>> + Send;

    /// Moves a job on to its next revision, if it stands at the one before; else nothing, and false.
    fn save_list_job(
        &self,
        tenant: TenantId,
        job: &ListJob,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Reads a part of a job's names.
    fn named_part(
        &self,
        tenant: TenantId,
        id: Uuid,
        part: u32,
    ) -> impl Future<Output = Result<Option<NamedPart>, StoreError>> + Send;

    /// Removes a part of a job's names, which is done.
    fn forget_named_part(
        &self,
        tenant: TenantId,
        id: Uuid,
        part: u32,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
