use std::collections::HashMap;

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use model::{Consent, Contact, ContactId, Email, Ordinal, Standing, Tenant, TenantId};

use super::contact_item::{key, standing};
use super::contact_plan::{Plan, part};
use super::{DynamoStore, Item};
use crate::contacts::{ContactPage, ContactStore, Write, Written};
use crate::sdk::store_error;
use crate::{ConsentEntry, StoreError};

const WRITES_AT_ONCE: usize = 32;

/// Is a call that carries out some writes and gives what became of each, with its place.
type Call<'a> = BoxFuture<'a, Result<Vec<(usize, Result<Written, StoreError>)>, StoreError>>;

impl ContactStore for DynamoStore {
    async fn standings(&self, tenant: &Tenant, emails: &[Email]) -> Result<Vec<Standing>, StoreError> {
        if let [email] = emails {
            return Ok(vec![self.standing(tenant.id, email).await?]);
        }
        // BatchGetItem refuses a key that is asked for twice.
        let mut keys: Vec<&Email> = emails.iter().collect();
        keys.sort();
        keys.dedup();
        let keys = keys.into_iter().map(|email| key(tenant.id, email)).collect();
        let items = self.batch_get(&self.tables.contacts, keys, true).await?;
        let by_email: HashMap<&str, &Item> =
            items.iter().filter_map(|item| Some((item.get("email")?.as_s().ok()?.as_str(), item))).collect();
        emails
            .iter()
            .map(|email| match by_email.get(email.as_str()) {
                Some(item) => standing(item, email),
                None => Ok(Standing::Free),
            })
            .collect()
    }

    async fn by_id(&self, tenant: &Tenant, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let ordinal = id.ordinal(&tenant.secret.id_key());
        let mut seen = None;
        // Twice, because an email change may be under way between the two reads.
        for _ in 0..2 {
            let Some(email) = self.slot(tenant.id, ordinal).await? else { return Ok(None) };
            if seen.as_ref() == Some(&email) {
                return Ok(None);
            }
            if let Standing::Held(contact) = self.standing(tenant.id, &email).await?
                && contact.id == id
            {
                return Ok(Some(*contact));
            }
            seen = Some(email);
        }
        Ok(None)
    }

    async fn write(
        &self,
        tenant: &Tenant,
        writes: Vec<Write>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
        let births = writes.iter().filter(|write| matches!(write, Write::Create(_))).count();
        let mut ordinals = self.take_ordinals(tenant.id, births).await?.into_iter();
        let mut plans = Vec::with_capacity(writes.len());
        for write in writes {
            plans.push(match write {
                Write::Create(new) => {
                    let ordinal = ordinals
                        .next()
                        .ok_or_else(|| StoreError::Malformed("fewer ordinals than asked for".into()))?;
                    Plan::birth(tenant, *new, ordinal, now)?
                }
                Write::Update(update) => Plan::update(tenant.id, *update, now),
            });
        }
        self.set_slots(tenant.id, plans.iter().filter_map(Plan::slot).collect()).await?;
        let count = plans.len();
        let (together, alone) = part(plans);
        let together = together.calls().into_iter().map(|births| self.create_together(tenant, births));
        let alone = alone.into_iter().map(|(place, plan)| async move {
            Ok(vec![(place, self.carry_out(tenant.id, plan, now).await)])
        });
        let calls: Vec<Call<'_>> =
            together.map(FutureExt::boxed).chain(alone.map(FutureExt::boxed)).collect();
        let mut written = Vec::with_capacity(count);
        let mut calls = stream::iter(calls).buffer_unordered(WRITES_AT_ONCE);
        while let Some(outcomes) = calls.try_next().await? {
            written.extend(outcomes);
        }
        written.sort_unstable_by_key(|(place, _)| *place);
        Ok(written.into_iter().map(|(_, outcome)| outcome).collect())
    }

    async fn delete(
        &self,
        tenant: &Tenant,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        self.remove(tenant.id, contact, now).await
    }

    async fn page(
        &self,
        tenant: &Tenant,
        below: Option<Ordinal>,
        limit: usize,
    ) -> Result<ContactPage, StoreError> {
        self.list(tenant.id, below, limit).await
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
    async fn standing(&self, tenant: TenantId, email: &Email) -> Result<Standing, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.contacts)
            .set_key(Some(key(tenant, email)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(store_error)?;
        self.read(answer.consumed_capacity());
        answer.item().map_or(Ok(Standing::Free), |item| standing(item, email))
    }
}
