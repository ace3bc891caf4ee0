use chrono::NaiveDate;
use model::{Generations, Settings, Tenant, TenantId, TenantSlug};
use uuid::Uuid;

use super::MemoryStore;
use crate::{ApiKey, KeyHash, StoreError, TenantStore};

impl TenantStore for MemoryStore {
    async fn create_tenant(&self, tenant: &Tenant, hash: KeyHash, key: &ApiKey) -> Result<bool, StoreError> {
        self.call(|state| {
            let taken = state.tenants.values().any(|other| other.slug == tenant.slug);
            if !taken {
                state.tenants.insert(tenant.id, tenant.clone());
                state.keys.insert(hash, key.clone());
            }
            !taken
        })
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        self.call(|state| state.tenants.get(&id).cloned())
    }

    async fn tenant_by_slug(&self, slug: &TenantSlug) -> Result<Option<Tenant>, StoreError> {
        self.call(|state| state.tenants.values().find(|tenant| tenant.slug == *slug).cloned())
    }

    async fn save_settings(&self, tenant: TenantId, settings: &Settings) -> Result<bool, StoreError> {
        self.call(|state| match state.tenants.get_mut(&tenant) {
            Some(tenant) => {
                tenant.settings = settings.clone();
                true
            }
            None => false,
        })
    }

    async fn save_generations(
        &self,
        tenant: TenantId,
        before: &Generations,
        after: &Generations,
    ) -> Result<bool, StoreError> {
        self.call(|state| match state.tenants.get_mut(&tenant) {
            Some(tenant) if tenant.generations == *before => {
                tenant.generations = *after;
                true
            }
            Some(_) | None => false,
        })
    }

    async fn api_key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        self.call(|state| state.keys.get(&hash).cloned())
    }

    async fn api_keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, StoreError> {
        self.call(|state| {
            let mut keys: Vec<ApiKey> =
                state.keys.values().filter(|key| key.tenant == tenant).cloned().collect();
            keys.sort_by_key(|key| (key.created_at, key.id));
            keys
        })
    }

    async fn revoke_api_key(&self, tenant: TenantId, id: Uuid) -> Result<Option<KeyHash>, StoreError> {
        self.call(|state| {
            let found = state.keys.iter().find(|(_, key)| key.tenant == tenant && key.id == id);
            let hash = found.map(|(hash, _)| *hash)?;
            state.keys.remove(&hash);
            Some(hash)
        })
    }

    async fn touch_api_key(&self, hash: KeyHash, day: NaiveDate) -> Result<(), StoreError> {
        self.call(|state| {
            if let Some(key) = state.keys.get_mut(&hash) {
                key.last_used_on = Some(day);
            }
        })
    }

    async fn put_api_key(&self, hash: KeyHash, key: &ApiKey) -> Result<(), StoreError> {
        self.call(|state| {
            state.keys.entry(hash).or_insert_with(|| key.clone());
        })
    }
}
