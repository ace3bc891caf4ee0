//! The stream of contacts: where one appears, what was parked for its address goes into its
//! ledger.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use futures::{StreamExt, stream};
use model::{Email, Standing, TenantId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tracing::warn;
use uuid::Uuid;

use crate::message::tell;
use crate::record::{Effects, Facts, Outcome, into_ledger, standing};
use crate::{Deps, ScoringError, ScoringStore};

/// How many contacts are looked after side by side.
const AT_ONCE: usize = 16;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Changes {
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    dynamodb: Change,
}

/// Is of a change what tells whether a contact appeared.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    sequence_number: String,
    keys: Keys,
    old_image: Option<Image>,
    new_image: Option<Image>,
}

#[derive(Deserialize)]
struct Keys {
    tenant: Text,
}

#[derive(Deserialize)]
struct Image {
    id: Option<IgnoredAny>,
    email: Option<Text>,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

/// Goes through changes of contacts. All from the first that failed on come again.
pub(crate) async fn batch<S: ScoringStore>(deps: &Deps<S>, event: &RawValue) -> Result<Value, ScoringError> {
    let Ok(Changes { records }) = serde_json::from_str(event.get()) else {
        warn!("ignored changes of what are no contacts");
        return Ok(Value::Null);
    };
    let appeared: Vec<_> = records.iter().filter_map(|record| appeared(&record.dynamodb)).collect();
    // After the contacts came: whoever parks later than this looks for the contact once more.
    let mut parks = BTreeMap::new();
    for (tenant, ..) in &appeared {
        if let Entry::Vacant(unknown) = parks.entry(*tenant) {
            // If that is not known, each address is asked for, and fails by itself.
            unknown.insert(deps.store.parks(*tenant).await.unwrap_or(true));
        }
    }
    // Nobody's address is read, of a million, where nothing waits for one.
    let mut awaited = Vec::new();
    for (tenant, email, number) in appeared {
        if parks.get(&tenant) != Some(&false)
            && let Ok(email) = Email::parse(email)
        {
            awaited.push((tenant, email, number.to_owned()));
        }
    }
    let work = awaited
        .into_iter()
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
fn appeared(change: &Change) -> Option<(TenantId, &str, &str)> {
    let has_contact = |image: &Option<Image>| image.as_ref().is_some_and(|image| image.id.is_some());
    if has_contact(&change.old_image) || !has_contact(&change.new_image) {
        return None;
    }
    // `<tenant>#<shard>`
    let (tenant, _) = change.keys.tenant.text.split_once('#')?;
    let email = &change.new_image.as_ref()?.email.as_ref()?.text;
    Some((TenantId(Uuid::parse_str(tenant).ok()?), email, &change.sequence_number))
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
