//! The stream of contacts: where one appears, what was parked for its address goes into its
//! ledger.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use futures::{StreamExt, stream};
use model::{Email, Standing, TenantId};
use serde_json::{Value, json};
use tracing::warn;
use uuid::Uuid;

use crate::message::tell;
use crate::record::{Effects, Facts, Outcome, into_ledger, standing};
use crate::{Deps, ScoringError, ScoringStore};

/// How many contacts are looked after side by side.
const AT_ONCE: usize = 16;

/// Goes through changes of contacts. All from the first that failed on come again.
pub(crate) async fn batch<S: ScoringStore>(deps: &Deps<S>, event: Value) -> Result<Value, ScoringError> {
    let records = event.get("Records").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let appeared: Vec<_> = records.iter().filter_map(appeared).collect();
    // After the contacts came: whoever parks later than this looks for the contact once more.
    let mut parks = BTreeMap::new();
    for (tenant, ..) in &appeared {
        if let Entry::Vacant(unknown) = parks.entry(*tenant) {
            unknown.insert(deps.store.parks(*tenant).await?);
        }
    }
    let work = appeared
        .into_iter()
        .filter(|(tenant, ..)| parks.get(tenant) != Some(&false))
        .map(|(tenant, email, number)| async move { (tenant, number, release(deps, tenant, &email).await) });
    let done: Vec<_> = stream::iter(work).buffered(AT_ONCE).collect().await;
    let mut failed = Vec::new();
    let mut sum = Outcome::default();
    for (tenant, number, outcome) in done {
        match outcome {
            Ok(outcome) => sum += outcome,
            Err(failure) => {
                tell(tenant, &failure, 0);
                failed.push(json!({"itemIdentifier": number}));
                break;
            }
        }
    }
    if sum != Outcome::default() {
        sum.tell();
    }
    Ok(json!({"batchItemFailures": failed}))
}

/// Gives whose contact came to an address where there was none, with the number of the record.
fn appeared(record: &Value) -> Option<(TenantId, Email, String)> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
    let was_there = record.pointer("/dynamodb/OldImage/id").is_some();
    let is_there = record.pointer("/dynamodb/NewImage/id").is_some();
    if was_there || !is_there {
        return None;
    }
    // `<tenant>#<shard>`
    let (tenant, _) = text("/dynamodb/Keys/tenant/S")?.split_once('#')?;
    let email = Email::parse(text("/dynamodb/NewImage/email/S")?).ok()?;
    let number = text("/dynamodb/SequenceNumber").unwrap_or_default().to_owned();
    Some((TenantId(Uuid::parse_str(tenant).ok()?), email, number))
}

async fn release<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: TenantId,
    email: &Email,
) -> Result<Outcome, ScoringError> {
    let Some(tenant) = deps.tenant(tenant).await? else {
        warn!(tenant.id = %tenant, "ignored a contact of a tenant that does not exist");
        return Ok(Outcome::default());
    };
    let parked = deps.store.parked(&tenant, email).await?;
    if parked.is_empty() {
        return Ok(Outcome::default());
    }
    // The contact as it is now: it may be gone again, and then the facts go on waiting.
    let Standing::Held(contact) = standing(deps, &tenant, email).await? else {
        return Ok(Outcome::default());
    };
    let facts: Facts = parked.into_iter().map(|fact| (fact.position.clone(), fact)).collect();
    let positions: Vec<_> = facts.keys().cloned().collect();
    // An unsubscribe among them is a suppression since, which the contact met at its birth.
    let outcome = into_ledger(deps, &tenant, *contact, facts, Effects::ScoreAndEngagement).await?;
    for position in &positions {
        deps.store.unpark(&tenant, email, position).await?;
    }
    Ok(outcome)
}
