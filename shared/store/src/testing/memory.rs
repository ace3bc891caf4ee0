use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use index::{Item as IndexItem, ItemKey};
use model::scoring::ScoringRules;
use model::{
    Consent, Contact, ContactId, Email, Field, FieldSlug, Ordinal, Standing, Suppression, SuppressionReason,
    Tenant, TenantId,
};
use uuid::Uuid;

use super::CallFaults;
use crate::{
    ApiKey, Begun, ConsentEntry, Consistency, Consumed, ContactPage, ContactStore, IdempotencyStore, Job,
    KeyHash, Metered, Outcome, Range, RequestKey, StoreError, SuppressionPage, SuppressionPlace, UsageKind,
    UsageRecord, Write, Written,
};

/// Keeps everything but files in maps, by the same contract as the real thing.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    faults: CallFaults,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tenants: HashMap<TenantId, Tenant>,
    pub(super) keys: HashMap<KeyHash, ApiKey>,
    contacts: BTreeMap<(TenantId, Email), Standing>,
    slots: BTreeMap<(TenantId, Ordinal), Email>,
    next_ordinal: HashMap<TenantId, u32>,
    consents: BTreeMap<(TenantId, ContactId), Vec<ConsentEntry>>,
    pub(super) parked: HashMap<(TenantId, Email), super::memory_ledger::Ledger>,
    pub(super) ledgers: HashMap<(TenantId, ContactId), super::memory_ledger::Ledger>,
    pub(super) fields: HashMap<TenantId, BTreeMap<FieldSlug, Field>>,
    pub(super) next_field: HashMap<TenantId, u32>,
    pub(super) lists: HashMap<TenantId, model::ListBook>,
    pub(super) usage: BTreeMap<(TenantId, NaiveDate), BTreeMap<(UsageKind, String), UsageRecord>>,
    pub(super) quotas: HashMap<(Uuid, u64), u32>,
    pub(super) index: BTreeMap<ItemKey, IndexItem>,
    pub(super) jobs: BTreeMap<(TenantId, Uuid), Job>,
    pub(super) ranges: BTreeMap<(TenantId, Uuid, u32), Range>,
    pub(super) loaders: HashMap<TenantId, BTreeMap<String, DateTime<Utc>>>,
    pub(super) rules: HashMap<(TenantId, u64), Arc<ScoringRules>>,
    pub(super) refolds: HashMap<(TenantId, u64), super::memory_rules::Folding>,
    pub(super) timers: BTreeMap<(TenantId, crate::TimedTask), DateTime<Utc>>,
    pub(super) list_jobs: HashMap<TenantId, super::memory_list_jobs::Jobs>,
    pub(super) frozen: HashMap<(TenantId, Uuid), super::memory_frozen::Kept>,
    pub(super) segments: HashMap<TenantId, super::memory_transitions::Segments>,
    requests: HashMap<(TenantId, [u8; 32]), KeptRequest>,
}

/// The hash of a request's body and, once it ended, how.
type KeptRequest = ([u8; 32], Option<Outcome>);

impl Default for MemoryStore {
    fn default() -> Self {
        Self { state: Arc::default(), faults: CallFaults::none() }
    }
}

impl MemoryStore {
    /// Gives a handle to the same maps whose calls fail as told.
    pub fn failing(&self, faults: CallFaults) -> Self {
        Self { state: self.state.clone(), faults }
    }

    /// Lets 60 seconds pass for requests that began and did not finish: they may begin again.
    pub fn expire_requests(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests.retain(|_, (_, outcome)| outcome.is_some());
    }

    /// Lets the time of frozen sets pass.
    pub fn forget_frozen(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).frozen.clear();
    }

    pub(super) fn call<T>(&self, act: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        self.faults.call(|| Ok(act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))))
    }
}

impl Metered for MemoryStore {
    fn metered(&self) -> Self {
        self.clone()
    }

    fn consumed(&self) -> Consumed {
        Consumed::default()
    }
}

impl State {
    pub(super) fn tenant_mut(&mut self, id: TenantId) -> Option<&mut Tenant> {
        self.tenants.get_mut(&id)
    }

    fn standing(&self, tenant: TenantId, email: &Email) -> Standing {
        self.contacts.get(&(tenant, email.clone())).cloned().unwrap_or(Standing::Free)
    }

    fn log_consent(&mut self, tenant: TenantId, id: ContactId, consent: &Consent, now: DateTime<Utc>) {
        let log = self.consents.entry((tenant, id)).or_default();
        if !log.iter().any(|entry| entry.consent == *consent) {
            log.push(ConsentEntry { consent: consent.clone(), recorded_at: now });
            log.sort_by_key(|entry| entry.consent.captured_at);
        }
    }

    fn leave(&mut self, tenant: TenantId, contact: &Contact, now: DateTime<Utc>) {
        let place = (tenant, contact.profile.email.clone());
        if let Some(suppression) = Suppression::left_by(contact, now) {
            self.contacts.insert(place, Standing::Suppressed(suppression));
        } else {
            self.contacts.remove(&place);
        }
    }

    pub(super) fn arrive(&mut self, tenant: TenantId, contact: Contact) -> Written {
        let email = contact.profile.email.clone();
        self.slots.insert((tenant, contact.ordinal), email.clone());
        self.contacts.insert((tenant, email), Standing::Held(Box::new(contact.clone())));
        Written::Done(Box::new(contact))
    }

    /// Gives what stands in the way of a contact that takes `replaces` into account.
    fn in_the_way(&self, tenant: TenantId, email: &Email, replaces: Option<&Suppression>) -> Option<Written> {
        let standing = self.standing(tenant, email);
        let free = match &standing {
            Standing::Free => true,
            Standing::Suppressed(suppression) => Some(suppression) == replaces,
            Standing::Held(_) => false,
        };
        (!free).then(|| Written::Lost { email: email.clone(), standing })
    }

    pub(super) fn changed_since(&self, tenant: TenantId, before: &Contact) -> Option<Written> {
        let email = &before.profile.email;
        let standing = self.standing(tenant, email);
        let as_read =
            matches!(&standing, Standing::Held(now) if now.id == before.id && now.version == before.version);
        (!as_read).then(|| Written::Lost { email: email.clone(), standing })
    }

    fn take_ordinals(&mut self, tenant: TenantId, count: u32) -> Ordinal {
        let next = self.next_ordinal.entry(tenant).or_default();
        let first = Ordinal(*next);
        *next += count;
        first
    }

    fn write(&mut self, tenant: &Tenant, write: Write, now: DateTime<Utc>) -> Written {
        match write {
            Write::Create(new) => {
                if let Some(lost) = self.in_the_way(tenant.id, &new.profile.email, new.replaces.as_ref()) {
                    return lost;
                }
                let ordinal = new.ordinal.unwrap_or_else(|| self.take_ordinals(tenant.id, 1));
                let random = std::array::from_fn(|i| Uuid::new_v4().as_bytes().get(i).copied().unwrap_or(0));
                let contact = Contact {
                    id: ContactId::new(ordinal, &tenant.secret.id_key(), random),
                    ordinal,
                    profile: new.profile,
                    score: 0,
                    fold: model::scoring::Fold::default(),
                    created_at: now,
                    updated_at: now,
                    version: 1,
                    origin: new.origin,
                };
                if let Some(consent) = &new.consent {
                    self.log_consent(tenant.id, contact.id, consent, now);
                }
                self.arrive(tenant.id, contact)
            }
            Write::Update(update) => {
                let before = update.before;
                if let Some(lost) = self.changed_since(tenant.id, &before) {
                    return lost;
                }
                let moves = update.profile.email != before.profile.email;
                if moves {
                    let email = &update.profile.email;
                    if let Some(lost) = self.in_the_way(tenant.id, email, update.replaces.as_ref()) {
                        return lost;
                    }
                    self.leave(tenant.id, &before, now);
                }
                if let Some(consent) = &update.consent {
                    self.log_consent(tenant.id, before.id, consent, now);
                }
                let contact = Contact {
                    profile: update.profile,
                    updated_at: now,
                    version: before.version + 1,
                    origin: update.origin.or_else(|| before.origin.clone()),
                    ..before
                };
                self.arrive(tenant.id, contact)
            }
        }
    }
}

impl ContactStore for MemoryStore {
    async fn standings(&self, tenant: &Tenant, emails: &[Email]) -> Result<Vec<Standing>, StoreError> {
        self.call(|state| emails.iter().map(|email| state.standing(tenant.id, email)).collect())
    }

    async fn by_id(&self, tenant: &Tenant, id: ContactId) -> Result<Option<Contact>, StoreError> {
        self.call(|state| {
            let email = state.slots.get(&(tenant.id, id.ordinal(&tenant.secret.id_key())))?;
            match state.standing(tenant.id, email) {
                Standing::Held(contact) if contact.id == id => Some(*contact),
                _ => None,
            }
        })
    }

    async fn by_ordinals(
        &self,
        tenant: &Tenant,
        ordinals: &[Ordinal],
        _: Consistency,
    ) -> Result<Vec<Contact>, StoreError> {
        self.call(|state| {
            let contact = |ordinal: &Ordinal| match state
                .standing(tenant.id, state.slots.get(&(tenant.id, *ordinal))?)
            {
                Standing::Held(contact) if contact.ordinal == *ordinal => Some(*contact),
                _ => None,
            };
            ordinals.iter().filter_map(contact).collect()
        })
    }

    async fn write(
        &self,
        tenant: &Tenant,
        writes: Vec<Write>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
        let one = |write: Write| {
            self.call(|state| {
                let profile = match &write {
                    Write::Create(new) => &new.profile,
                    Write::Update(update) => &update.profile,
                };
                crate::dynamo::check_size(tenant, profile)?;
                Ok(state.write(tenant, write, now))
            })?
        };
        Ok(writes.into_iter().map(one).collect())
    }

    async fn delete(
        &self,
        tenant: &Tenant,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        self.call(|state| {
            if let Some(lost) = state.changed_since(tenant.id, contact) {
                return lost;
            }
            state.leave(tenant.id, contact, now);
            state.slots.remove(&(tenant.id, contact.ordinal));
            Written::Done(Box::new(contact.clone()))
        })
    }

    async fn erase(
        &self,
        tenant: &Tenant,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        self.call(|state| {
            if let Some(lost) = state.changed_since(tenant.id, contact) {
                return lost;
            }
            let standing = Standing::Suppressed(Suppression::erased(now));
            state.contacts.insert((tenant.id, contact.profile.email.clone()), standing);
            state.slots.remove(&(tenant.id, contact.ordinal));
            state.consents.remove(&(tenant.id, contact.id));
            state.ledgers.remove(&(tenant.id, contact.id));
            state.parked.remove(&(tenant.id, contact.profile.email.clone()));
            Written::Done(Box::new(contact.clone()))
        })
    }

    async fn suppress(
        &self,
        tenant: &Tenant,
        email: &Email,
        suppression: &Suppression,
        replaces: Option<&Suppression>,
    ) -> Result<Option<Standing>, StoreError> {
        self.call(|state| match state.in_the_way(tenant.id, email, replaces) {
            Some(Written::Lost { standing, .. }) => Some(standing),
            _ => {
                if suppression.reason == SuppressionReason::Erased {
                    state.parked.remove(&(tenant.id, email.clone()));
                }
                let standing = Standing::Suppressed(suppression.clone());
                state.contacts.insert((tenant.id, email.clone()), standing);
                None
            }
        })
    }

    async fn reserve(&self, tenant: &Tenant, count: u32) -> Result<Ordinal, StoreError> {
        self.call(|state| state.take_ordinals(tenant.id, count))
    }

    async fn suppressions(
        &self,
        tenant: &Tenant,
        after: Option<SuppressionPlace>,
        limit: usize,
    ) -> Result<SuppressionPage, StoreError> {
        self.call(|state| {
            let after = after.map(|place| place.0).unwrap_or_default();
            let mut found = state.contacts.iter().filter_map(|((owner, email), standing)| match standing {
                Standing::Suppressed(suppression) if *owner == tenant.id && *email.as_str() > *after => {
                    Some((email, suppression))
                }
                _ => None,
            });
            let page: Vec<_> = found.by_ref().take(limit).collect();
            let last = page.last().map(|(email, _)| SuppressionPlace(email.to_string()));
            let next = last.filter(|_| found.next().is_some());
            let shown = |(email, suppression): (&Email, &Suppression)| {
                let is_erased = suppression.reason == SuppressionReason::Erased;
                ((!is_erased).then(|| email.clone()), suppression.clone())
            };
            SuppressionPage { suppressions: page.into_iter().map(shown).collect(), next }
        })
    }

    async fn ordinals(&self, tenant: &Tenant) -> Result<Ordinal, StoreError> {
        self.call(|state| Ordinal(state.next_ordinal.get(&tenant.id).copied().unwrap_or_default()))
    }

    async fn each_address(
        &self,
        tenant: &Tenant,
        see: &mut (dyn FnMut(Ordinal, &Email) + Send),
    ) -> Result<(), StoreError> {
        self.call(|state| {
            let slots = state.slots.iter().filter(|((owner, _), _)| *owner == tenant.id);
            slots.for_each(|((_, ordinal), email)| see(*ordinal, email));
        })
    }

    async fn count(&self, tenant: &Tenant) -> Result<u64, StoreError> {
        self.call(|state| {
            let held = |(place, standing): &(&(TenantId, Email), &Standing)| {
                place.0 == tenant.id && matches!(standing, Standing::Held(_))
            };
            state.contacts.iter().filter(held).count() as u64
        })
    }

    async fn page(
        &self,
        tenant: &Tenant,
        below: Option<Ordinal>,
        limit: usize,
    ) -> Result<ContactPage, StoreError> {
        self.call(|state| {
            let below = below.unwrap_or(Ordinal(u32::MAX));
            let mut found = state.slots.range((tenant.id, Ordinal(0))..(tenant.id, below)).rev().filter_map(
                |((tenant, ordinal), email)| match state.standing(*tenant, email) {
                    Standing::Held(contact) if contact.ordinal == *ordinal => Some(*contact),
                    _ => None,
                },
            );
            let contacts: Vec<Contact> = found.by_ref().take(limit).collect();
            let next_below = found.next().and_then(|_| contacts.last().map(|last| last.ordinal));
            ContactPage { contacts, next_below }
        })
    }

    async fn record_consent(
        &self,
        tenant: &Tenant,
        id: ContactId,
        consent: &Consent,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.call(|state| state.log_consent(tenant.id, id, consent, now))
    }

    async fn consents(&self, tenant: &Tenant, id: ContactId) -> Result<Vec<ConsentEntry>, StoreError> {
        self.call(|state| state.consents.get(&(tenant.id, id)).cloned().unwrap_or_default())
    }
}

impl IdempotencyStore for MemoryStore {
    async fn begin(&self, key: &RequestKey) -> Result<Begun, StoreError> {
        self.call(|state| match state.requests.get(&(key.tenant, key.hash)) {
            None => {
                state.requests.insert((key.tenant, key.hash), (key.body, None));
                Begun::Fresh
            }
            Some((body, _)) if *body != key.body => Begun::OtherBody,
            Some((_, Some(outcome))) => Begun::Done(outcome.clone()),
            Some((_, None)) => Begun::InProgress,
        })
    }

    async fn finish(&self, key: &RequestKey, outcome: &Outcome) -> Result<(), StoreError> {
        self.call(|state| {
            state.requests.insert((key.tenant, key.hash), (key.body, Some(outcome.clone())));
        })
    }

    async fn forget(&self, key: &RequestKey) -> Result<(), StoreError> {
        self.call(|state| {
            state.requests.remove(&(key.tenant, key.hash));
        })
    }
}
