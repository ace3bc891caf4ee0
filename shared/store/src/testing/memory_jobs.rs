use model::TenantId;
use uuid::Uuid;

use super::MemoryStore;
use crate::{Checkpoint, Job, JobStatus, JobStore, Range, StoreError};

impl JobStore for MemoryStore {
    async fn create_job(&self, job: &Job) -> Result<bool, StoreError> {
        self.call(|state| {
            let is_new = !state.jobs.contains_key(&(job.tenant, job.id));
            state.jobs.entry((job.tenant, job.id)).or_insert_with(|| job.clone());
            is_new
        })
    }

    async fn job(&self, tenant: TenantId, id: Uuid) -> Result<Option<Job>, StoreError> {
        self.call(|state| state.jobs.get(&(tenant, id)).cloned())
    }

    async fn jobs(
        &self,
        tenant: TenantId,
        below: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Job>, StoreError> {
        self.call(|state| {
            let range = (tenant, Uuid::nil())..(tenant, below.unwrap_or(Uuid::max()));
            state.jobs.range(range).rev().take(limit).map(|(_, job)| job.clone()).collect()
        })
    }

    async fn save_job(&self, job: &Job, from: JobStatus) -> Result<bool, StoreError> {
        self.call(|state| match state.jobs.get_mut(&(job.tenant, job.id)) {
            Some(stored) if stored.status == from => {
                *stored = job.clone();
                true
            }
            _ => false,
        })
    }

    async fn create_range(&self, range: &Range) -> Result<(), StoreError> {
        self.call(|state| {
            state.ranges.entry((range.tenant, range.job, range.number)).or_insert_with(|| range.clone());
        })
    }

    async fn ranges(&self, tenant: TenantId, job: Uuid) -> Result<Vec<Range>, StoreError> {
        self.call(|state| {
            let range = (tenant, job, 0)..=(tenant, job, u32::MAX);
            state.ranges.range(range).map(|(_, range)| range.clone()).collect()
        })
    }

    async fn save_checkpoint(&self, range: &Range, from: &Checkpoint) -> Result<bool, StoreError> {
        self.call(|state| match state.ranges.get_mut(&(range.tenant, range.job, range.number)) {
            Some(Range { checkpoint: stored, .. })
                if (stored.next_row, stored.to_index) == (from.next_row, from.to_index) =>
            {
                *stored = range.checkpoint;
                true
            }
            _ => false,
        })
    }
}
