use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use model::{
    Consent, Contact, ContactId, Email, Ordinal, Standing, Suppression, SuppressionReason, Tenant, TenantId,
};

use super::DynamoStore;
use super::addresses::{Addresses, by_address};
use super::contact_item::standing;
use super::contact_plan::{Plan, part};
use crate::contacts::{
    Consistency, ContactPage, ContactStore, SuppressionPage, SuppressionPlace, Write, Written,
};
use crate::{ConsentEntry, StoreError};

const WRITES_AT_ONCE: usize = 32;

/// Is a call that carries out some writes and gives what became of each, with its place.
type Call<'a> = BoxFuture<'a, Result<Vec<(usize, Result<Written, StoreError>)>, StoreError>>;

impl ContactStore for DynamoStore {
    async fn standings(&self, tenant: &Tenant, emails: &[Email]) -> Result<Vec<Standing>, StoreError> {
        let addresses = Addresses::of(tenant);
        if let [email] = emails {
            return Ok(vec![self.standing(&addresses, email).await?]);
        }
        // BatchGetItem refuses a key that is asked for twice.
        let mut keys: Vec<&Email> = emails.iter().collect();
        keys.sort();
        keys.dedup();
        let keys = keys.into_iter().map(|email| addresses.key(email)).collect();
        let items = self.batch_get(&self.tables.contacts, keys, true).await?;
        let found = by_address(&items);
        emails
            .iter()
            .map(|email| match addresses.find(&found, email) {
                Some(item) => standing(item, email),
                None => Ok(Standing::Free),
            })
            .collect()
    }

    async fn by_id(&self, tenant: &Tenant, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let addresses = Addresses::of(tenant);
        let ordinal = id.ordinal(&tenant.secret.id_key());
        let mut seen = None;
        // Twice, because an email change may be under way between the two reads.
        for _ in 0..2 {
            let Some(email) = self.slot(tenant.id, ordinal).await? else { return Ok(None) };
            if seen.as_ref() == Some(&email) {
                return Ok(None);
            }
            if let Standing::Held(contact) = self.standing(&addresses, &email).await?
                && contact.id == id
            {
                return Ok(Some(*contact));
            }
            seen = Some(email);
        }
        Ok(None)
    }

    async fn by_ordinals(
        &self,
        tenant: &Tenant,
        ordinals: &[Ordinal],
        consistency: Consistency,
    ) -> Result<Vec<Contact>, StoreError> {
        let addresses = Addresses::of(tenant);
        let is_strong = consistency == Consistency::Strong;
        let slots = self.slots_of(tenant.id, ordinals, is_strong).await?;
        let mut contacts = self.contacts_in(&addresses, slots.clone(), is_strong).await?;
        if is_strong && contacts.len() < slots.len() {
            // An email change may have been under way between the two reads: then the slot moved.
            let found: BTreeSet<Ordinal> = contacts.iter().map(|contact| contact.ordinal).collect();
            let missing: Vec<Ordinal> = slots
                .iter()
                .map(|(ordinal, _)| *ordinal)
                .filter(|ordinal| !found.contains(ordinal))
                .collect();
            let moved = self.slots_of(tenant.id, &missing, true).await?;
            let moved = moved.into_iter().filter(|slot| !slots.contains(slot)).collect();
            contacts.extend(self.contacts_in(&addresses, moved, true).await?);
        }
        Ok(contacts)
    }

    async fn write(
        &self,
        tenant: &Tenant,
        writes: Vec<Write>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
        let addresses = Addresses::of(tenant);
        let needs_ordinal = |write: &&Write| matches!(write, Write::Create(new) if new.ordinal.is_none());
        let births = writes.iter().filter(needs_ordinal).count();
        let mut ordinals = self.take_ordinals(tenant.id, births).await?.into_iter();
        let mut plans = Vec::with_capacity(writes.len());
        for write in writes {
            plans.push(match write {
                Write::Create(new) => {
                    let ordinal = new
                        .ordinal
                        .or_else(|| ordinals.next())
                        .ok_or_else(|| StoreError::Malformed("fewer ordinals than asked for".into()))?;
                    Plan::birth(tenant, &addresses, *new, ordinal, now)?
                }
                Write::Update(update) => Plan::update(&addresses, *update, now),
            });
        }
        let slots: Vec<Option<(Ordinal, Email)>> = plans.iter().map(Plan::slot).collect();
        self.set_slots(tenant.id, slots.iter().flatten().cloned().collect()).await?;
        let count = plans.len();
        let (together, alone) = part(plans);
        let together = together.calls().into_iter().map(|births| self.create_together(tenant, births));
        let addresses = &addresses;
        let alone = alone.into_iter().map(|(place, plan)| async move {
            Ok(vec![(place, self.carry_out(addresses, plan, now).await)])
        });
        let calls: Vec<Call<'_>> =
            together.map(FutureExt::boxed).chain(alone.map(FutureExt::boxed)).collect();
        let mut written = Vec::with_capacity(count);
        let mut calls = stream::iter(calls).buffer_unordered(WRITES_AT_ONCE);
        while let Some(outcomes) = calls.try_next().await? {
            written.extend(outcomes);
        }
        written.sort_unstable_by_key(|(place, _)| *place);
        let written: Vec<_> = written.into_iter().map(|(_, outcome)| outcome).collect();
        self.clear_unused(tenant.id, slots, &written).await?;
        Ok(written)
    }

    async fn delete(
        &self,
        tenant: &Tenant,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        self.remove(&Addresses::of(tenant), contact, now).await
    }

    async fn erase(
        &self,
        tenant: &Tenant,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        // Before: while there is a contact nothing more is parked for it.
        self.forget_parked(tenant, &contact.profile.email).await?;
        self.erase_contact(&Addresses::of(tenant), contact, now).await
    }

    async fn suppress(
        &self,
        tenant: &Tenant,
        email: &Email,
        suppression: &Suppression,
        replaces: Option<&Suppression>,
    ) -> Result<Option<Standing>, StoreError> {
        let in_the_way = self.put_suppression(&Addresses::of(tenant), email, suppression, replaces).await?;
        if suppression.reason == SuppressionReason::Erased && in_the_way.is_none() {
            self.forget_parked(tenant, email).await?;
        }
        Ok(in_the_way)
    }

    async fn reserve(&self, tenant: &Tenant, count: u32) -> Result<Ordinal, StoreError> {
        self.reserve_ordinals(tenant.id, count).await
    }

    async fn suppressions(
        &self,
        tenant: &Tenant,
        after: Option<SuppressionPlace>,
        limit: usize,
    ) -> Result<SuppressionPage, StoreError> {
        self.list_suppressions(&Addresses::of(tenant), after, limit).await
    }

    async fn ordinals(&self, tenant: &Tenant) -> Result<Ordinal, StoreError> {
        self.next_ordinal(tenant.id).await
    }

    async fn each_address(
        &self,
        tenant: &Tenant,
        see: &mut (dyn FnMut(Ordinal, &Email) + Send),
    ) -> Result<(), StoreError> {
        self.each_slot(tenant.id, see).await
    }

    async fn count(&self, tenant: &Tenant) -> Result<u64, StoreError> {
        self.count_contacts(&Addresses::of(tenant)).await
    }

    async fn page(
        &self,
        tenant: &Tenant,
        below: Option<Ordinal>,
        limit: usize,
    ) -> Result<ContactPage, StoreError> {
        self.list(&Addresses::of(tenant), below, limit).await
    }

    async fn consents(&self, tenant: &Tenant, id: ContactId) -> Result<Vec<ConsentEntry>, StoreError> {
        self.consent_log(tenant.id, id).await
    }

    async fn record_consent(
        &self,
        tenant: &Tenant,
        id: ContactId,
        consent: &Consent,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.log_consent(tenant.id, id, consent, now).await
    }
}

impl DynamoStore {
    /// Empties the slots of contacts that were not created: they hold addresses, and nobody would
    /// find them there when a person has everything erased.
    async fn clear_unused(
        &self,
        tenant: TenantId,
        slots: Vec<Option<(Ordinal, Email)>>,
        written: &[Result<Written, StoreError>],
    ) -> Result<(), StoreError> {
        let unused = slots.into_iter().zip(written).filter_map(|(slot, written)| {
            let (Some((ordinal, email)), Ok(Written::Lost { standing, .. })) = (slot, written) else {
                return None;
            };
            // The echo of a write whose answer was lost may meet its own contact, changed since.
            let is_used = matches!(standing, Standing::Held(contact) if contact.ordinal == ordinal);
            (!is_used).then_some((ordinal, email))
        });
        stream::iter(unused.collect::<Vec<_>>())
            .map(|(ordinal, email)| async move { self.clear_slot(tenant, ordinal, &email).await })
            .buffer_unordered(WRITES_AT_ONCE)
            .try_collect()
            .await
    }

    async fn standing(&self, addresses: &Addresses, email: &Email) -> Result<Standing, StoreError> {
        let item = self.get_item(&self.tables.contacts, addresses.key(email)).await?;
        item.map_or(Ok(Standing::Free), |item| standing(&item, email))
    }
}
