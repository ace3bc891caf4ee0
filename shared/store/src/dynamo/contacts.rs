use std::collections::HashMap;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue as Value, Delete, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use model::{Consent, Contact, ContactId, Email, Ordinal, Profile, Standing, Suppression, Tenant, TenantId};

use super::births::{Birth, Births};
use super::condition::{in_the_way_of_delete, in_the_way_of_put};
use super::contact_item::{key, standing, to_item, tombstone};
use super::schema::refused;
use super::{DynamoStore, Item};
use crate::contacts::{ContactPage, ContactStore, NewContact, ProfileUpdate, Write, Written};
use crate::sdk::{is_busy, store_error};
use crate::{ConsentEntry, StoreError};

const WRITES_AT_ONCE: usize = 32;

/// Is a call that carries out some writes and gives what became of each, with its place.
type Call<'a> = BoxFuture<'a, Result<Vec<(usize, Result<Written, StoreError>)>, StoreError>>;

/// Holds for the contact that was read, and for nothing else at its address.
const AS_READ: &str = "id = :id AND ver = :ver";

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
        let together = together.calls().into_iter().map(|births| self.create_together(tenant.id, births));
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
        let email = &contact.profile.email;
        let (id, ver) = as_read(contact);
        let failed = if contact.profile.status.is_suppressed() {
            let put = self
                .client
                .put_item()
                .table_name(&self.tables.contacts)
                .set_item(Some(left_behind(tenant.id, contact, now)))
                .condition_expression(AS_READ)
                .expression_attribute_values(":id", id)
                .expression_attribute_values(":ver", ver)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            match put.send().await {
                Ok(answer) => {
                    self.wrote(answer.consumed_capacity());
                    None
                }
                Err(error) => Some(in_the_way_of_put(error)?),
            }
        } else {
            let delete = self
                .client
                .delete_item()
                .table_name(&self.tables.contacts)
                .set_key(Some(key(tenant.id, email)))
                .condition_expression(AS_READ)
                .expression_attribute_values(":id", id)
                .expression_attribute_values(":ver", ver)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            match delete.send().await {
                Ok(answer) => {
                    self.wrote(answer.consumed_capacity());
                    None
                }
                Err(error) => Some(in_the_way_of_delete(error)?),
            }
        };
        if let Some(item) = failed {
            return lost(email, item);
        }
        // After the contact: a crash between leaves a slot that leads nowhere, which readers bear.
        self.clear_slot(tenant.id, contact.ordinal, email).await?;
        Ok(Written::Done(Box::new(contact.clone())))
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

/// Is one write with everything it needs.
enum Plan {
    Put {
        contact: Contact,
        item: Item,
        condition: PutCondition,
        consent: Option<Consent>,
        is_birth: bool,
    },
    Move {
        contact: Contact,
        item: Item,
        before: Box<Contact>,
        replaces: Option<Suppression>,
        consent: Option<Consent>,
    },
    Refused(StoreError),
}

pub(super) enum PutCondition {
    Free(Option<Suppression>),
    AsRead(Box<Contact>),
}

/// Parts the plans that create where nothing is, and so may go together, from those that do not.
fn part(plans: Vec<Plan>) -> (Births, Vec<(usize, Plan)>) {
    let mut together = Births::default();
    let mut alone = Vec::new();
    let single = plans.len() == 1;
    for (place, plan) in plans.into_iter().enumerate() {
        match plan {
            Plan::Put {
                contact,
                item,
                condition: PutCondition::Free(None),
                consent: None,
                is_birth: true,
            } if !single && together.takes(&contact, &item) => {
                together.add(Birth { place, contact, item });
            }
            plan => alone.push((place, plan)),
        }
    }
    (together, alone)
}

impl Plan {
    fn birth(
        tenant: &Tenant,
        new: NewContact,
        ordinal: Ordinal,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let mut random = [0; 12];
        getrandom::fill(&mut random).map_err(refused)?;
        let contact = Contact {
            id: ContactId::new(ordinal, &tenant.secret.id_key(), random),
            ordinal,
            profile: new.profile,
            score: 0,
            created_at: now,
            updated_at: now,
            version: 1,
            origin: new.origin,
        };
        Ok(match to_item(tenant.id, &contact) {
            Ok(item) => Self::Put {
                contact,
                item,
                condition: PutCondition::Free(new.replaces),
                consent: new.consent,
                is_birth: true,
            },
            Err(error) => Self::Refused(error),
        })
    }

    fn update(tenant: TenantId, update: ProfileUpdate, now: DateTime<Utc>) -> Self {
        let ProfileUpdate { before, profile, replaces, consent, origin } = update;
        let contact = Contact {
            profile,
            updated_at: now,
            version: before.version + 1,
            origin: origin.or_else(|| before.origin.clone()),
            ..before.clone()
        };
        match to_item(tenant, &contact) {
            Err(error) => Self::Refused(error),
            Ok(item) if contact.profile.email == before.profile.email => Self::Put {
                contact,
                item,
                condition: PutCondition::AsRead(Box::new(before)),
                consent,
                is_birth: false,
            },
            Ok(item) => Self::Move { contact, item, before: Box::new(before), replaces, consent },
        }
    }

    /// Gives the slot that must point at the contact before it is there.
    fn slot(&self) -> Option<(Ordinal, Email)> {
        match self {
            Self::Put { contact, is_birth: true, .. } => {
                Some((contact.ordinal, contact.profile.email.clone()))
            }
            Self::Put { .. } | Self::Move { .. } | Self::Refused(_) => None,
        }
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

    async fn carry_out(
        &self,
        tenant: TenantId,
        plan: Plan,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        match plan {
            Plan::Refused(error) => Err(error),
            Plan::Put { contact, item, condition, consent, .. } => {
                if let Some(consent) = &consent {
                    self.log_consent(tenant, contact.id, consent, now).await?;
                }
                self.put(contact, item, condition).await
            }
            Plan::Move { contact, item, before, replaces, consent } => {
                if let Some(consent) = &consent {
                    self.log_consent(tenant, contact.id, consent, now).await?;
                }
                self.relocate(tenant, contact, item, &before, replaces, now).await
            }
        }
    }

    pub(super) async fn put(
        &self,
        contact: Contact,
        item: Item,
        condition: PutCondition,
    ) -> Result<Written, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.contacts)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let put = match condition {
            PutCondition::Free(replaces) => {
                let (expression, values) = free(replaces.as_ref());
                put.condition_expression(expression).set_expression_attribute_values(values)
            }
            PutCondition::AsRead(before) => {
                let (id, ver) = as_read(&before);
                put.condition_expression(AS_READ)
                    .expression_attribute_values(":id", id)
                    .expression_attribute_values(":ver", ver)
            }
        };
        match put.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(Written::Done(Box::new(contact)))
            }
            Err(error) => done_or_lost(contact, in_the_way_of_put(error)?),
        }
    }

    /// Moves a contact to another address: away from the old one, to the new one and its slot, or
    /// nothing of it.
    async fn relocate(
        &self,
        tenant: TenantId,
        contact: Contact,
        item: Item,
        before: &Contact,
        replaces: Option<Suppression>,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        let (id, ver) = as_read(before);
        let leave = if before.profile.status.is_suppressed() {
            let put = Put::builder()
                .table_name(&self.tables.contacts)
                .set_item(Some(left_behind(tenant, before, now)))
                .condition_expression(AS_READ)
                .expression_attribute_values(":id", id)
                .expression_attribute_values(":ver", ver)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            TransactWriteItem::builder().put(put.build().map_err(refused)?)
        } else {
            let delete = Delete::builder()
                .table_name(&self.tables.contacts)
                .set_key(Some(key(tenant, &before.profile.email)))
                .condition_expression(AS_READ)
                .expression_attribute_values(":id", id)
                .expression_attribute_values(":ver", ver)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            TransactWriteItem::builder().delete(delete.build().map_err(refused)?)
        };
        let (expression, values) = free(replaces.as_ref());
        let arrive = Put::builder()
            .table_name(&self.tables.contacts)
            .set_item(Some(item))
            .condition_expression(expression)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(refused)?;
        let slot = self.move_slot(tenant, contact.ordinal, &contact.profile.email)?;
        let moved = self
            .client
            .transact_write_items()
            .transact_items(leave.build())
            .transact_items(TransactWriteItem::builder().put(arrive).build())
            .transact_items(TransactWriteItem::builder().update(slot).build())
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let error = match moved {
            Ok(answer) => {
                answer.consumed_capacity().iter().for_each(|used| self.wrote(Some(used)));
                return Ok(Written::Done(Box::new(contact)));
            }
            Err(error) => error,
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(store_error(error));
        };
        let places = [&before.profile.email, &contact.profile.email];
        for (reason, email) in cancelled.cancellation_reasons().iter().zip(places) {
            match reason.code() {
                Some("ConditionalCheckFailed") => return lost(email, reason.item().cloned()),
                Some(code) if is_busy(code) => return Err(StoreError::Unavailable(Box::new(error))),
                _ => {}
            }
        }
        Err(store_error(error))
    }
}

/// Tells apart a lost race and the echo of our own write, whose answer was lost on the way and
/// which the SDK sent again.
fn done_or_lost(contact: Contact, item: Option<Item>) -> Result<Written, StoreError> {
    match lost(&contact.profile.email, item)? {
        Written::Lost { standing: Standing::Held(found), .. } if *found == contact => {
            Ok(Written::Done(found))
        }
        lost => Ok(lost),
    }
}

fn lost(email: &Email, item: Option<Item>) -> Result<Written, StoreError> {
    let standing = item.map_or(Ok(Standing::Free), |item| standing(&item, email))?;
    Ok(Written::Lost { email: email.clone(), standing })
}

fn as_read(contact: &Contact) -> (Value, Value) {
    let id = aws_sdk_dynamodb::primitives::Blob::new(contact.id.as_uuid().as_bytes());
    (Value::B(id), Value::N(contact.version.to_string()))
}

fn left_behind(tenant: TenantId, contact: &Contact, now: DateTime<Utc>) -> Item {
    let Profile { email, status, .. } = &contact.profile;
    tombstone(tenant, email, &Suppression { status: *status, since: now })
}

/// Holds where no contact is, and no suppression but the one that was taken into account.
fn free(replaces: Option<&Suppression>) -> (&'static str, Option<HashMap<String, Value>>) {
    match replaces {
        None => ("attribute_not_exists(email)", None),
        Some(suppression) => (
            "attribute_not_exists(email) OR (gone = :gone AND since = :since)",
            Some(HashMap::from([
                (":gone".to_owned(), Value::S(suppression.status.to_string())),
                (":since".to_owned(), Value::N(suppression.since.timestamp_millis().to_string())),
            ])),
        ),
    }
}
