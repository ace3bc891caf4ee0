//! The writes of contacts, each whole or not at all: put, move, remove.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue as Value, Delete, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use chrono::{DateTime, Utc};
use model::{Contact, Email, Standing, Suppression};

use super::addresses::Addresses;
use super::condition::{in_the_way_of_delete, in_the_way_of_put};
use super::contact_item::{standing, tombstone};
use super::contact_plan::{Plan, PutCondition};
use super::schema::refused;
use super::{DynamoStore, Item};
use crate::StoreError;
use crate::contacts::Written;
use crate::sdk::{is_busy, store_error};

/// Holds for the contact that was read, and for nothing else at its address.
pub(super) const AS_READ: &str = "id = :id AND ver = :ver";

impl DynamoStore {
    /// Carries one planned write out, under its own condition.
    pub(super) async fn carry_out(
        &self,
        addresses: &Addresses,
        plan: Plan,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        match plan {
            Plan::Refused(error) => Err(error),
            Plan::Put { contact, item, condition, consent, .. } => {
                if let Some(consent) = &consent {
                    self.log_consent(addresses.tenant, contact.id, consent, now).await?;
                }
                self.put(contact, item, condition).await
            }
            Plan::Move { contact, item, before, replaces, consent } => {
                if let Some(consent) = &consent {
                    self.log_consent(addresses.tenant, contact.id, consent, now).await?;
                }
                self.relocate(addresses, contact, item, &before, replaces, now).await
            }
        }
    }

    /// Puts a contact where the condition holds.
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
        addresses: &Addresses,
        contact: Contact,
        item: Item,
        before: &Contact,
        replaces: Option<Suppression>,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        let leave = if let Some(suppression) = Suppression::left_by(before, now) {
            self.leave(addresses, before, &suppression)?
        } else {
            let (id, ver) = as_read(before);
            let delete = Delete::builder()
                .table_name(&self.tables.contacts)
                .set_key(Some(addresses.key(&before.profile.email)))
                .condition_expression(AS_READ)
                .expression_attribute_values(":id", id)
                .expression_attribute_values(":ver", ver)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            TransactWriteItem::builder().delete(delete.build().map_err(refused)?).build()
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
        let slot = self.move_slot(addresses.tenant, contact.ordinal, &contact.profile.email)?;
        let writes = vec![
            leave,
            TransactWriteItem::builder().put(arrive).build(),
            TransactWriteItem::builder().update(slot).build(),
        ];
        let lost = self.write_together(writes, &[&before.profile.email, &contact.profile.email]).await?;
        Ok(lost.unwrap_or_else(|| Written::Done(Box::new(contact))))
    }

    /// Plans to put a suppression in the place of a contact that was read.
    pub(super) fn leave(
        &self,
        addresses: &Addresses,
        contact: &Contact,
        suppression: &Suppression,
    ) -> Result<TransactWriteItem, StoreError> {
        let (id, ver) = as_read(contact);
        let put = Put::builder()
            .table_name(&self.tables.contacts)
            .set_item(Some(tombstone(addresses, &contact.profile.email, suppression)))
            .condition_expression(AS_READ)
            .expression_attribute_values(":id", id)
            .expression_attribute_values(":ver", ver)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(TransactWriteItem::builder().put(put.build().map_err(refused)?).build())
    }

    /// Carries all writes out or none, the first of them at these addresses. Gives what stood in
    /// the way there, none where they are done.
    pub(super) async fn write_together(
        &self,
        writes: Vec<TransactWriteItem>,
        emails: &[&Email],
    ) -> Result<Option<Written>, StoreError> {
        let transaction = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let error = match transaction.send().await {
            Ok(answer) => {
                answer.consumed_capacity().iter().for_each(|used| self.wrote(Some(used)));
                return Ok(None);
            }
            Err(error) => error,
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(store_error(error));
        };
        let reasons = cancelled.cancellation_reasons();
        for (reason, email) in reasons.iter().zip(emails) {
            if reason.code() == Some("ConditionalCheckFailed") {
                return lost(email, reason.item().cloned()).map(Some);
            }
        }
        let is_busy = reasons.iter().filter_map(|reason| reason.code()).any(is_busy);
        Err(if is_busy { StoreError::Unavailable(Box::new(error)) } else { store_error(error) })
    }

    /// Puts the memory of a suppressed address where no contact is, and no suppression but the one
    /// that was read; gives what stands in the way.
    pub(super) async fn put_suppression(
        &self,
        addresses: &Addresses,
        email: &Email,
        suppression: &Suppression,
        replaces: Option<&Suppression>,
    ) -> Result<Option<Standing>, StoreError> {
        let (expression, values) = free(replaces);
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.contacts)
            .set_item(Some(tombstone(addresses, email, suppression)))
            .condition_expression(expression)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let item = match put.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                return Ok(None);
            }
            Err(error) => in_the_way_of_put(error)?,
        };
        match item.map_or(Ok(Standing::Free), |item| standing(&item, email))? {
            // The echo of this very write, whose answer was lost on the way.
            Standing::Suppressed(found) if found == *suppression => Ok(None),
            standing => Ok(Some(standing)),
        }
    }

    /// Removes a contact that was read, and then its slot.
    pub(super) async fn remove(
        &self,
        addresses: &Addresses,
        contact: &Contact,
        now: DateTime<Utc>,
    ) -> Result<Written, StoreError> {
        let email = &contact.profile.email;
        let (id, ver) = as_read(contact);
        let failed = if let Some(suppression) = Suppression::left_by(contact, now) {
            let put = self
                .client
                .put_item()
                .table_name(&self.tables.contacts)
                .set_item(Some(tombstone(addresses, email, &suppression)))
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
                .set_key(Some(addresses.key(email)))
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
        self.clear_slot(addresses.tenant, contact.ordinal, email).await?;
        Ok(Written::Done(Box::new(contact.clone())))
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

pub(super) fn as_read(contact: &Contact) -> (Value, Value) {
    let id = aws_sdk_dynamodb::primitives::Blob::new(contact.id.as_uuid().as_bytes());
    (Value::B(id), Value::N(contact.version.to_string()))
}

/// Holds where no contact is, and no suppression but the one that was taken into account.
fn free(replaces: Option<&Suppression>) -> (&'static str, Option<HashMap<String, Value>>) {
    match replaces {
        None => ("attribute_not_exists(address)", None),
        Some(suppression) => (
            "attribute_not_exists(address) OR (gone = :gone AND since = :since)",
            Some(HashMap::from([
                (":gone".to_owned(), Value::S(suppression.reason.to_string())),
                (":since".to_owned(), Value::N(suppression.since.timestamp_millis().to_string())),
            ])),
        ),
    }
}
