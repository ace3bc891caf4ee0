use std::collections::HashMap;

use model::TenantId;
use uuid::Uuid;

use super::MemoryStore;
use crate::{ListJob, ListJobStore, NamedPart, StoreError};

/// The jobs of a tenant, each with the parts of its names that are left.
pub(super) type Jobs = HashMap<Uuid, (ListJob, HashMap<u32, NamedPart>)>;

impl ListJobStore for MemoryStore {
    async fn start_list_job(
        &self,
        tenant: TenantId,
        job: &ListJob,
        names: &[NamedPart],
    ) -> Result<(), StoreError> {
        self.call(|state| {
            let names = (0..).zip(names.iter().cloned()).collect();
            state.list_jobs.entry(tenant).or_default().insert(job.id, (job.clone(), names));
        })
    }

    async fn list_jobs(&self, tenant: TenantId) -> Result<Vec<ListJob>, StoreError> {
        self.call(|state| {
            let jobs = state.list_jobs.get(&tenant).into_iter().flat_map(HashMap::values);
            let mut jobs: Vec<ListJob> = jobs.map(|(job, _)| job.clone()).collect();
            jobs.sort_unstable_by_key(|job| (std::cmp::Reverse(job.created_at), job.id));
            jobs
        })
    }

    async fn list_job(&self, tenant: TenantId, id: Uuid) -> Result<Option<ListJob>, StoreError> {
        self.call(|state| state.list_jobs.get(&tenant)?.get(&id).map(|(job, _)| job.clone()))
    }

    async fn save_list_job(&self, tenant: TenantId, job: &ListJob) -> Result<bool, StoreError> {
        self.call(|state| {
            let stored = state.list_jobs.get_mut(&tenant).and_then(|jobs| jobs.get_mut(&job.id));
            let Some((stored, _)) = stored.filter(|(stored, _)| stored.revision + 1 == job.revision) else {
                return false;
            };
            *stored = job.clone();
            true
        })
    }

    async fn named_part(
        &self,
        tenant: TenantId,
        id: Uuid,
        part: u32,
    ) -> Result<Option<NamedPart>, StoreError> {
        self.call(|state| state.list_jobs.get(&tenant)?.get(&id)?.1.get(&part).cloned())
    }

    async fn forget_named_part(&self, tenant: TenantId, id: Uuid, part: u32) -> Result<(), StoreError> {
        self.call(|state| {
            let job = state.list_jobs.get_mut(&tenant).and_then(|jobs| jobs.get_mut(&id));
            drop(job.and_then(|(_, names)| names.remove(&part)));
        })
    }
}
