//! What tests of this and other crates use: a memory double, faults, and the contract.

pub mod contract;
mod faults;
mod memory;
mod memory_bus;
mod memory_files;
mod memory_frozen;
mod memory_index;
mod memory_jobs;
mod memory_ledger;
mod memory_list_jobs;
mod memory_lists;
mod memory_records;
mod memory_rules;
mod memory_tenants;
mod memory_timers;
mod memory_transitions;

pub use faults::{CallFaults, Moment};
pub use memory::MemoryStore;
pub use memory_bus::MemoryBus;
pub use memory_files::{MemoryObjects, MemoryQueue};

use chrono::DateTime;
use model::scoring::Published;
use model::{Generations, Settings, Tenant, TenantId, TenantSecret, TenantSlug};
use uuid::Uuid;

use crate::{ApiKey, KeyHash, TenantStore};

/// Makes a tenant that no other test has.
///
/// # Panics
/// Never: the name has letters.
pub fn tenant() -> Tenant {
    let id = Uuid::new_v4();
    let name = format!("tenant {}", id.simple());
    Tenant {
        id: TenantId(id),
        slug: TenantSlug::from_name(&name).expect("the name has letters"),
        name,
        secret: TenantSecret::new(std::array::from_fn(|i| id.as_bytes().get(i % 16).copied().unwrap_or(7))),
        settings: Settings::default(),
        scoring: Published::default(),
        generations: Generations::default(),
    }
}

/// Stores a tenant that no other test has.
///
/// # Panics
/// When the store fails.
pub async fn stored_tenant(store: &impl TenantStore) -> Tenant {
    let tenant = tenant();
    let id = Uuid::new_v4();
    let key = ApiKey::new(tenant.id, "first key", [], DateTime::UNIX_EPOCH);
    let created = store.create_tenant(&tenant, KeyHash::of(&id.to_string()), &key).await;
    assert!(created.expect("create"), "the slug is taken");
    tenant
}

#[cfg(test)]
mod tests {
    use super::MemoryStore;

    crate::contract_tests!(async { MemoryStore::default() });
}
