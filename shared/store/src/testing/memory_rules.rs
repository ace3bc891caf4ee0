use std::collections::BTreeMap;
use std::sync::Arc;

use model::scoring::{Published, Refold, RefoldPlan, RefoldRange, ScoringRules};
use model::{Tenant, TenantId};

use super::MemoryStore;
use crate::{RulesStore, StoreError};

/// What is folded of one version: the plan, and ranges by where they begin.
pub(super) type Folding = (Option<RefoldPlan>, BTreeMap<u32, RefoldRange>);

impl RulesStore for MemoryStore {
    async fn rules(&self, tenant: TenantId, version: u64) -> Result<Arc<ScoringRules>, StoreError> {
        if version == 0 {
            return Ok(Arc::new(ScoringRules::default()));
        }
        let rules = self.call(|state| state.rules.get(&(tenant, version)).cloned())?;
        rules.ok_or_else(|| StoreError::Malformed(format!("version {version} of the scoring rules")))
    }

    async fn publish_rules(
        &self,
        tenant: &Tenant,
        published: Published,
        rules: &ScoringRules,
    ) -> Result<bool, StoreError> {
        self.call(|state| {
            let Some(now) = state.tenant_mut(tenant.id) else { return false };
            if now.scoring.revision != tenant.scoring.revision {
                return false;
            }
            now.scoring = published;
            if published.version != tenant.scoring.version {
                state.rules.insert((tenant.id, published.version), Arc::new(rules.clone()));
            }
            true
        })
    }

    async fn plan_refold(
        &self,
        tenant: TenantId,
        version: u64,
        plan: &RefoldPlan,
    ) -> Result<RefoldPlan, StoreError> {
        self.call(|state| *state.refolds.entry((tenant, version)).or_default().0.get_or_insert(*plan))
    }

    async fn finish_refold_range(
        &self,
        tenant: TenantId,
        version: u64,
        range: &RefoldRange,
    ) -> Result<(), StoreError> {
        self.call(|state| {
            let ranges = &mut state.refolds.entry((tenant, version)).or_default().1;
            ranges.entry(range.from).or_insert(*range);
        })
    }

    async fn refold_range(
        &self,
        tenant: TenantId,
        version: u64,
        from: u32,
    ) -> Result<Option<RefoldRange>, StoreError> {
        self.call(|state| state.refolds.get(&(tenant, version))?.1.get(&from).copied())
    }

    async fn refold(&self, tenant: TenantId, version: u64) -> Result<Option<Refold>, StoreError> {
        self.call(|state| {
            let (plan, ranges) = state.refolds.get(&(tenant, version))?;
            Some(Refold { plan: (*plan)?, ranges: ranges.values().copied().collect() })
        })
    }
}
