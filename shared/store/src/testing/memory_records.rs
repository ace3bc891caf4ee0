use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use model::{AttributeType, Field, FieldId, FieldSlug, Fields, Tenant, TenantId};
use uuid::Uuid;

use super::MemoryStore;
use crate::{
    DayUsage, FieldStore, FieldWrite, Freshness, LOADERS_A_TENANT, LoaderStore, QuotaStore, StoreError,
    UsageRecord, UsageStore,
};

impl FieldStore for MemoryStore {
    async fn fields(&self, tenant: &Tenant, _: Freshness) -> Result<Arc<Fields>, StoreError> {
        self.call(|state| {
            let fields = state.fields.get(&tenant.id).into_iter().flat_map(BTreeMap::values);
            Arc::new(fields.cloned().collect())
        })
    }

    async fn define_field(
        &self,
        tenant: &Tenant,
        slug: &FieldSlug,
        name: &str,
        kind: AttributeType,
    ) -> Result<Field, StoreError> {
        self.call(|state| {
            let number = state.next_field.entry(tenant.id).or_default();
            let fields = state.fields.entry(tenant.id).or_default();
            if !fields.contains_key(slug) {
                *number += 1;
            }
            let define = || Field::new(FieldId { kind, number: *number }, slug.clone(), name);
            fields.entry(slug.clone()).or_insert_with(define).clone()
        })
    }

    async fn new_field_id(&self, tenant: &Tenant, kind: AttributeType) -> Result<FieldId, StoreError> {
        self.call(|state| {
            let number = state.next_field.entry(tenant.id).or_default();
            *number += 1;
            FieldId { kind, number: *number }
        })
    }

    async fn insert_field(&self, tenant: &Tenant, field: &Field) -> Result<bool, StoreError> {
        self.call(|state| {
            let fields = state.fields.entry(tenant.id).or_default();
            let is_new = !fields.contains_key(&field.slug);
            fields.entry(field.slug.clone()).or_insert_with(|| field.clone());
            is_new
        })
    }

    async fn replace_field(
        &self,
        tenant: &Tenant,
        before: &Field,
        after: Field,
    ) -> Result<FieldWrite, StoreError> {
        self.call(|state| {
            let fields = state.fields.entry(tenant.id).or_default();
            if !is_as_read(fields, before) {
                return FieldWrite::Changed;
            }
            if after.slug != before.slug && fields.contains_key(&after.slug) {
                return FieldWrite::SlugTaken;
            }
            fields.remove(&before.slug);
            let after = Field { revision: before.revision + 1, ..after };
            fields.insert(after.slug.clone(), after);
            FieldWrite::Done
        })
    }

    async fn remove_field(&self, tenant: &Tenant, field: &Field) -> Result<bool, StoreError> {
        self.call(|state| {
            let fields = state.fields.entry(tenant.id).or_default();
            is_as_read(fields, field) && fields.remove(&field.slug).is_some()
        })
    }
}

fn is_as_read(fields: &BTreeMap<FieldSlug, Field>, field: &Field) -> bool {
    fields.get(&field.slug).is_some_and(|now| (now.id, now.revision) == (field.id, field.revision))
}

impl UsageStore for MemoryStore {
    async fn record_usage(
        &self,
        tenant: TenantId,
        day: NaiveDate,
        record: &UsageRecord,
    ) -> Result<(), StoreError> {
        self.call(|state| {
            let records = state.usage.entry((tenant, day)).or_default();
            records.insert((record.kind, record.id.clone()), record.clone());
        })
    }

    async fn day_usage(&self, tenant: TenantId, day: NaiveDate) -> Result<DayUsage, StoreError> {
        self.call(|state| {
            let records = state.usage.get(&(tenant, day)).into_iter().flat_map(BTreeMap::values);
            records.cloned().collect()
        })
    }
}

impl QuotaStore for MemoryStore {
    async fn take_quota(
        &self,
        key: Uuid,
        window: u64,
        count: u32,
        quota: u32,
    ) -> Result<Option<u32>, StoreError> {
        self.call(|state| {
            let taken = state.quotas.entry((key, window)).or_default();
            if *taken + count > quota {
                return None;
            }
            *taken += count;
            Some(*taken)
        })
    }
}

impl LoaderStore for MemoryStore {
    async fn take_loader(
        &self,
        tenant: TenantId,
        work: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.call(|state| {
            let held = state.loaders.entry(tenant).or_default();
            held.retain(|_, until| *until >= now);
            let has_place = held.contains_key(work) || held.len() < LOADERS_A_TENANT.into();
            if has_place {
                held.insert(work.to_owned(), until);
            }
            has_place
        })
    }

    async fn leave_loader(&self, tenant: TenantId, work: &str) -> Result<(), StoreError> {
        self.call(|state| {
            state.loaders.entry(tenant).or_default().remove(work);
        })
    }
}
