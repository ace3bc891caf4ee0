//! Batches from the queue: each message is an event as EventBridge delivers it, with the tenant
//! beside what the sender told.

use std::collections::BTreeMap;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{StreamExt, stream};
use model::scoring::Event;
use model::{Contact, Email, Standing, TenantId};
use serde_json::Value;
use serde_json::value::RawValue;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::record::{Outcome, record};
use crate::usage::{Taken, record_usage};
use crate::{Deps, ScoringError, ScoringStore};

/// How many contacts are written side by side.
const AT_ONCE: usize = 16;

/// What one contact gets of a batch, with the messages that brought it.
#[derive(Default)]
struct Share {
    events: Vec<Event>,
    messages: Vec<String>,
    taken: Vec<Taken>,
}

/// Records the events of a batch.
pub(crate) async fn batch<S: ScoringStore>(deps: &Deps<S>, event: &RawValue) -> Result<Value, ScoringError> {
    let Ok(batch) = serde_json::from_str::<SqsEvent>(event.get()) else {
        warn!("ignored a malformed batch from SQS");
        return Ok(Value::Null);
    };
    let mut shares: BTreeMap<(TenantId, Email), Share> = BTreeMap::new();
    for message in batch.records {
        let Some((tenant, event, taken)) = read(deps, &message) else { continue };
        let share = shares.entry((tenant, event.email.clone())).or_default();
        share.events.push(event);
        share.taken.push(taken);
        share.messages.push(message.message_id.unwrap_or_default());
    }
    let mut held = held(deps, shares.keys()).await;
    let work = shares.into_iter().map(|((tenant, email), mut share)| {
        let known = held.remove(&(tenant, email.clone()));
        async move {
            let outcome = of_tenant(deps, tenant, &email, known, std::mem::take(&mut share.events)).await;
            (tenant, outcome, share)
        }
    });
    let done: Vec<_> = stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
    let mut answer = SqsBatchResponse::default();
    let mut sum = Outcome::default();
    let mut recorded: BTreeMap<TenantId, Share> = BTreeMap::new();
    for (tenant, outcome, share) in done {
        match outcome {
            Ok(outcome) => {
                sum += outcome;
                let of_tenant = recorded.entry(tenant).or_default();
                of_tenant.messages.extend(share.messages);
                of_tenant.taken.extend(share.taken);
            }
            Err(failure) => {
                tell(tenant, &failure, share.messages.len());
                share.messages.into_iter().for_each(|id| answer.add_failure(id));
            }
        }
    }
    for (tenant, share) in recorded {
        // Not counted, they come again: in a ledger they are once.
        if let Err(failure) = record_usage(deps, tenant, share.taken).await {
            tell(tenant, &failure.into(), share.messages.len());
            share.messages.into_iter().for_each(|id| answer.add_failure(id));
        }
    }
    sum.tell();
    Ok(serde_json::to_value(answer)?)
}

/// Reads the contacts at addresses, those of one tenant together. Who is missing is asked for alone,
/// and fails alone.
async fn held<S: ScoringStore>(
    deps: &Deps<S>,
    addresses: impl Iterator<Item = &(TenantId, Email)>,
) -> BTreeMap<(TenantId, Email), Contact> {
    let mut emails: BTreeMap<TenantId, Vec<Email>> = BTreeMap::new();
    for (tenant, email) in addresses {
        emails.entry(*tenant).or_default().push(email.clone());
    }
    let mut held = BTreeMap::new();
    for (id, emails) in emails {
        let Ok(Some(tenant)) = deps.tenant(id).await else { continue };
        let Ok(standings) = deps.store.standings(&tenant, &emails).await else { continue };
        for (email, standing) in emails.into_iter().zip(standings) {
            if let Standing::Held(contact) = standing {
                held.insert((id, email), *contact);
            }
        }
    }
    held
}

async fn of_tenant<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: TenantId,
    email: &Email,
    held: Option<Contact>,
    events: Vec<Event>,
) -> Result<Outcome, ScoringError> {
    let Some(tenant) = deps.tenant(tenant).await? else {
        warn!(tenant.id = %tenant, events = events.len(), "dropped events of a tenant that does not exist");
        return Ok(Outcome::default());
    };
    record(deps, &tenant, email, held, events).await
}

fn read<S: ScoringStore>(deps: &Deps<S>, message: &SqsMessage) -> Option<(TenantId, Event, Taken)> {
    let mut body = message.body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok());
    let taken = Taken::of(message, body.as_ref(), deps.clock.now());
    let detail = body.as_mut().and_then(|body| body.get_mut("detail").map(Value::take));
    let Some(Value::Object(mut detail)) = detail else {
        warn!("dropped a message that is no event of the bus");
        return None;
    };
    let tenant = detail.remove("tenant_id").and_then(|id| Uuid::parse_str(id.as_str()?).ok());
    let Some(tenant) = tenant.map(TenantId) else {
        warn!("dropped an event without a tenant");
        return None;
    };
    match Event::from_json(&Value::Object(detail), deps.clock.now()) {
        Ok(event) => Some((tenant, event, taken)),
        Err(faults) => {
            // Code and place; what the event says is somebody's.
            let faults: Vec<String> =
                faults.iter().map(|fault| format!("{} at {}", fault.invalid.code, fault.pointer)).collect();
            warn!(tenant.id = %tenant, faults = faults.join(", "), "dropped a malformed event");
            None
        }
    }
}

pub(crate) fn tell(tenant: TenantId, failure: &ScoringError, events: usize) {
    let cause = failure.with_causes();
    if failure.may_pass_later() {
        warn!(tenant.id = %tenant, events, error = cause, "events are recorded later");
    } else {
        error!(tenant.id = %tenant, events, error = cause, "events were not recorded");
    }
}

impl Outcome {
    pub(crate) fn tell(&self) {
        let Self { recorded, known, parked, created, erased } = self;
        info!(
            events.recorded = recorded,
            events.known = known,
            events.parked = parked,
            events.erased = erased,
            contacts.created = created,
            "recorded events"
        );
    }
}
