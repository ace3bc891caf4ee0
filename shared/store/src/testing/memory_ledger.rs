use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use chrono::{DateTime, Utc};
use model::scoring::{Fact, Position};
use model::{ContactId, Email, Tenant, TenantId};

use super::MemoryStore;
use crate::{FactPage, LedgerStore, LedgerWrite, ParkedStore, Recorded, StoreError, Written};

/// The facts of one contact.
pub(super) type Ledger = BTreeMap<Position, Fact>;

impl LedgerStore for MemoryStore {
    async fn record(
        &self,
        tenant: &Tenant,
        write: LedgerWrite,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        self.call(|state| {
            let ledger = state.ledgers.get(&(tenant.id, write.before.id));
            let is_known = |position: &Position| ledger.is_some_and(|ledger| ledger.contains_key(position));
            let positions = write.facts.iter().map(|fact| fact.position.clone());
            let known: BTreeSet<Position> = positions.filter(is_known).collect();
            let standing = match state.changed_since(tenant.id, &write.before) {
                Some(Written::Lost { standing, .. }) => Some(standing),
                _ => None,
            };
            if !known.is_empty() || standing.is_some() {
                return Recorded::Refused { known, standing };
            }
            let contact = write.contact(now);
            let facts = write.facts.into_iter().map(|fact| (fact.position.clone(), fact));
            state.ledgers.entry((tenant.id, contact.id)).or_default().extend(facts);
            state.arrive(tenant.id, contact.clone());
            Recorded::Done(Box::new(contact))
        })
    }

    async fn facts(
        &self,
        tenant: TenantId,
        contact: ContactId,
        from: Option<&Position>,
    ) -> Result<Vec<Fact>, StoreError> {
        self.call(|state| {
            let from = from.map_or(Bound::Unbounded, Bound::Included);
            let ledger = state.ledgers.get(&(tenant, contact)).into_iter();
            ledger
                .flat_map(|ledger| ledger.range((from, Bound::Unbounded)))
                .map(|(_, fact)| fact.clone())
                .collect()
        })
    }

    async fn fact_page(
        &self,
        tenant: TenantId,
        contact: ContactId,
        below: Option<&Position>,
        limit: usize,
    ) -> Result<FactPage, StoreError> {
        self.call(|state| {
            let below = below.map_or(Bound::Unbounded, Bound::Excluded);
            let ledger = state.ledgers.get(&(tenant, contact)).into_iter();
            let mut rest = ledger.flat_map(|ledger| ledger.range((Bound::Unbounded, below)).rev());
            let facts: Vec<Fact> = rest.by_ref().take(limit).map(|(_, fact)| fact.clone()).collect();
            let next_below = rest.next().and_then(|_| Some(facts.last()?.position.clone()));
            FactPage { facts, next_below }
        })
    }
}

impl ParkedStore for MemoryStore {
    async fn park(&self, tenant: &Tenant, email: &Email, fact: &Fact) -> Result<(), StoreError> {
        self.call(|state| {
            let parked = state.parked.entry((tenant.id, email.clone())).or_default();
            parked.insert(fact.position.clone(), fact.clone());
        })
    }

    async fn parks(&self, tenant: TenantId) -> Result<bool, StoreError> {
        self.call(|state| state.parked.keys().any(|(of, _)| *of == tenant))
    }

    async fn parked(&self, tenant: &Tenant, email: &Email) -> Result<Vec<Fact>, StoreError> {
        self.call(|state| {
            let parked = state.parked.get(&(tenant.id, email.clone())).into_iter();
            parked.flat_map(BTreeMap::values).cloned().collect()
        })
    }

    async fn unpark(&self, tenant: &Tenant, email: &Email, position: &Position) -> Result<(), StoreError> {
        self.call(|state| {
            if let Some(parked) = state.parked.get_mut(&(tenant.id, email.clone())) {
                parked.remove(position);
            }
        })
    }
}
