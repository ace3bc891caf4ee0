use std::future::Future;
use std::sync::Arc;

use model::scoring::{Published, Refold, RefoldPlan, RefoldRange, ScoringRules};
use model::{Tenant, TenantId};

use crate::StoreError;

/// Keeps the scoring rules of tenants, and how far their contacts are scored by them.
pub trait RulesStore: Send + Sync {
    /// Reads a version of the rules. Every one that was published stays as it was, so that a score
    /// can be explained by the rules that made it; version 0 are the defaults.
    ///
    /// What is read may be kept for good, but for its tiers: those in force are the tenant's own.
    fn rules(
        &self,
        tenant: TenantId,
        version: u64,
    ) -> impl Future<Output = Result<Arc<ScoringRules>, StoreError>> + Send;

    /// Puts rules and tiers in force, where those of the tenant as it was read still are; else
    /// nothing, and false.
    fn publish_rules(
        &self,
        tenant: &Tenant,
        published: Published,
        rules: &ScoringRules,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Notes what there is to fold under a version of the rules. The first note stays, and is given.
    fn plan_refold(
        &self,
        tenant: TenantId,
        version: u64,
        plan: &RefoldPlan,
    ) -> impl Future<Output = Result<RefoldPlan, StoreError>> + Send;

    /// Notes a range that is folded under a version of the rules; of those that begin alike the
    /// first one stays.
    fn finish_refold_range(
        &self,
        tenant: TenantId,
        version: u64,
        range: &RefoldRange,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Finds the range that begins at an ordinal, where it is done.
    fn refold_range(
        &self,
        tenant: TenantId,
        version: u64,
        from: u32,
    ) -> impl Future<Output = Result<Option<RefoldRange>, StoreError>> + Send;

    /// Reads how far the contacts are folded under a version of the rules; none before it began.
    fn refold(
        &self,
        tenant: TenantId,
        version: u64,
    ) -> impl Future<Output = Result<Option<Refold>, StoreError>> + Send;
}
