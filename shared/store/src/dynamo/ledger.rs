//! The ledger: one item a fact, under its contact's id. Facts sort by when they happened, to the
//! millisecond, and then by their ids; before everything else that is kept of a contact there.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue as Value, CancellationReason, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use chrono::{DateTime, Utc};
use model::scoring::{EventId, EventType, Fact, Position, Properties};
use model::{ContactId, Standing, Tenant, TenantId};

use super::addresses::Addresses;
use super::contact_item::{malformed, standing, to_item};
use super::contact_plan::PutCondition;
use super::contact_writes::{AS_READ, as_read};
use super::schema::refused;
use super::without_token::WithoutToken;
use super::{DynamoStore, Item};
use crate::sdk::{is_busy, store_error};
use crate::{FactPage, LedgerStore, LedgerWrite, Recorded, StoreError, Written};

/// Sorts before every fact: they begin with digits.
pub(super) const START: &str = "0";
/// Sorts behind every fact: `:` follows `9`.
pub(super) const END: &str = ":";

impl LedgerStore for DynamoStore {
    async fn record(
        &self,
        tenant: &Tenant,
        write: LedgerWrite,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        let addresses = Addresses::of(tenant);
        let contact = write.contact(now);
        if write.facts.is_empty() {
            let item = to_item(&addresses, &contact)?;
            let written = self.put(contact, item, PutCondition::AsRead(Box::new(write.before))).await?;
            return Ok(match written {
                Written::Done(contact) => Recorded::Done(contact),
                Written::Lost { standing, .. } => {
                    Recorded::Refused { known: BTreeSet::new(), standing: Some(standing) }
                }
            });
        }
        let (id, ver) = as_read(&write.before);
        let put = Put::builder()
            .table_name(&self.tables.contacts)
            .set_item(Some(to_item(&addresses, &contact)?))
            .condition_expression(AS_READ)
            .expression_attribute_values(":id", id)
            .expression_attribute_values(":ver", ver)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = TransactWriteItem::builder().put(put.build().map_err(refused)?).build();
        let facts = write.facts.iter().map(|fact| {
            let put = Put::builder()
                .table_name(&self.tables.activity)
                .set_item(Some(fact_item(tenant.id, contact.id, fact, now)))
                .condition_expression("attribute_not_exists(contact)");
            Ok(TransactWriteItem::builder().put(put.build().map_err(refused)?).build())
        });
        let facts = facts.collect::<Result<Vec<_>, StoreError>>()?;
        let transaction = self
            .client
            .transact_write_items()
            .set_transact_items(Some([vec![put], facts].concat()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        // Sent a second time, it finds its facts.
        let error = match transaction.customize().interceptor(WithoutToken).send().await {
            Ok(answer) => {
                answer.consumed_capacity().iter().for_each(|used| self.wrote(Some(used)));
                return Ok(Recorded::Done(Box::new(contact)));
            }
            Err(error) => error,
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(store_error(error));
        };
        let reasons = cancelled.cancellation_reasons();
        if reasons.iter().filter_map(CancellationReason::code).any(is_busy) {
            return Err(StoreError::Unavailable(Box::new(error)));
        }
        let failed = |reason: &&CancellationReason| reason.code() == Some("ConditionalCheckFailed");
        let standing = reasons.first().filter(failed).map(|reason| {
            let email = &contact.profile.email;
            reason.item().map_or(Ok(Standing::Free), |item| standing(item, email))
        });
        let facts = reasons.iter().skip(1).zip(&write.facts);
        let known: BTreeSet<Position> =
            facts.filter(|(reason, _)| failed(reason)).map(|(_, fact)| fact.position.clone()).collect();
        let standing = standing.transpose()?;
        if known.is_empty() && standing.is_none() {
            return Err(store_error(error));
        }
        Ok(Recorded::Refused { known, standing })
    }

    async fn facts(
        &self,
        tenant: TenantId,
        contact: ContactId,
        from: Option<&Position>,
    ) -> Result<Vec<Fact>, StoreError> {
        let from = from.map_or_else(|| START.to_owned(), entry);
        let mut pages = self
            .client
            .query()
            .table_name(&self.tables.activity)
            .key_condition_expression("contact = :contact AND entry BETWEEN :from AND :to")
            .expression_attribute_values(":contact", part(tenant, contact))
            .expression_attribute_values(":from", Value::S(from))
            .expression_attribute_values(":to", Value::S(END.to_owned()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .into_paginator()
            .send();
        let mut facts = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            self.read(page.consumed_capacity());
            for item in page.items() {
                facts.push(fact_of(item)?);
            }
        }
        Ok(facts)
    }

    async fn fact_page(
        &self,
        tenant: TenantId,
        contact: ContactId,
        below: Option<&Position>,
        limit: usize,
    ) -> Result<FactPage, StoreError> {
        let start = below.map(|below| {
            let entry = Value::S(entry(below));
            HashMap::from([("contact".to_owned(), part(tenant, contact)), ("entry".to_owned(), entry)])
        });
        let answer = self
            .client
            .query()
            .table_name(&self.tables.activity)
            .key_condition_expression("contact = :contact AND entry < :to")
            .expression_attribute_values(":contact", part(tenant, contact))
            .expression_attribute_values(":to", Value::S(END.to_owned()))
            .scan_index_forward(false)
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(store_error)?;
        self.read(answer.consumed_capacity());
        let facts = answer.items().iter().map(fact_of).collect::<Result<Vec<_>, _>>()?;
        let next_below = answer.last_evaluated_key().and_then(|_| Some(facts.last()?.position.clone()));
        Ok(FactPage { facts, next_below })
    }
}

fn part(tenant: TenantId, contact: ContactId) -> Value {
    Value::S(format!("{tenant}#{contact}"))
}

/// Milliseconds since 1970 have 15 digits until the year 33658; there is no event before 1970.
pub(super) fn entry(position: &Position) -> String {
    format!("{:015}#{}", position.occurred_at.timestamp_millis(), position.event_id)
}

fn fact_item(tenant: TenantId, contact: ContactId, fact: &Fact, now: DateTime<Utc>) -> Item {
    let mut item = HashMap::from([
        ("contact".to_owned(), part(tenant, contact)),
        ("entry".to_owned(), Value::S(entry(&fact.position))),
        ("recorded".to_owned(), Value::N(now.timestamp_millis().to_string())),
    ]);
    set_fact(&mut item, fact);
    item
}

/// Writes what a fact says into an item whose key says where it stands.
pub(super) fn set_fact(item: &mut Item, fact: &Fact) {
    item.insert("type".to_owned(), Value::S(fact.kind.to_string()));
    if !fact.properties.is_empty() {
        item.insert("props".to_owned(), Value::S(fact.properties.to_json().to_string()));
    }
    if fact.machine {
        item.insert("machine".to_owned(), Value::Bool(true));
    }
    if !fact.met.is_empty() {
        item.insert("met".to_owned(), Value::Ss(fact.met.iter().map(ToString::to_string).collect()));
    }
}

/// Reads a fact back.
pub(super) fn fact_of(item: &Item) -> Result<Fact, StoreError> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let wrong = || StoreError::Malformed("a fact is of another form".to_owned());
    let (at, event_id) = text("entry").and_then(|entry| entry.split_once('#')).ok_or_else(wrong)?;
    let occurred_at = at.parse().ok().and_then(DateTime::from_timestamp_millis).ok_or_else(wrong)?;
    let properties = match text("props") {
        Some(json) => Properties::new(serde_json::from_str(json).map_err(malformed)?).map_err(malformed)?,
        None => Properties::default(),
    };
    let met = item.get("met").and_then(|value| value.as_ss().ok()).into_iter().flatten();
    Ok(Fact {
        position: Position { occurred_at, event_id: EventId::parse(event_id).map_err(malformed)? },
        kind: EventType::parse(text("type").ok_or_else(wrong)?).map_err(malformed)?,
        properties,
        machine: item.get("machine").and_then(|value| value.as_bool().ok()).copied().unwrap_or_default(),
        met: met.map(|key| key.parse().map_err(malformed)).collect::<Result<_, _>>()?,
    })
}
