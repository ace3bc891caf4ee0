//! Rules that were published: all contacts of the tenant are folded anew.
//!
//! A first message finds out what there is, notes that, and sends one for each range of ordinals.
//! Each is done under the rules in force, and noted when it is. A contact that stands under them
//! already is left alone, so that a message that comes twice, or again after a crash, goes on where
//! the work stood. Every other one that has facts is written, also with the same score: whoever still
//! writes it under older rules then finds that it changed.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{StreamExt, TryStreamExt, stream};
use model::scoring::{RefoldPlan, RefoldRange, ScoringRules};
use model::{Contact, Ordinal, Tenant};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use store::{Consistency, RefoldMessage, RefoldQueue, StoreError, TimedTask, Timer};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::decay::BETWEEN_LOOKS;
use crate::message::tell;
use crate::record::{Effects, Facts, into_ledger, is_behind};
use crate::{Deps, ScoringError, ScoringStore};

/// Ordinals of one message: 200 chunks of the directory, some seconds of work.
const RANGE: u32 = 4_800;
/// Ordinals that are read together.
const PAGE: u32 = 480;
/// How many contacts are folded side by side.
const AT_ONCE: usize = 32;
/// Half of what the function may take; then the rest of a range is handed on.
const TIME_A_MESSAGE: Duration = Duration::from_secs(30);
/// How often a contact may move to another address while it is folded.
const MOVES: usize = 4;

/// Tells whether a batch from SQS asks for this.
pub(crate) fn is_asked(event: &RawValue) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Bodies {
        records: Vec<Body>,
    }
    #[derive(Deserialize)]
    struct Body {
        body: String,
    }
    let bodies = serde_json::from_str::<Bodies>(event.get()).ok();
    let first = bodies.and_then(|bodies| bodies.records.into_iter().next());
    first.is_some_and(|first| serde_json::from_str::<RefoldMessage>(&first.body).is_ok())
}

/// Works through messages, one after the other.
pub(crate) async fn batch<S: ScoringStore>(
    deps: &Deps<S>,
    queue: &impl RefoldQueue,
    event: &RawValue,
) -> Result<Value, ScoringError> {
    let Ok(batch) = serde_json::from_str::<SqsEvent>(event.get()) else {
        warn!("ignored a malformed batch from SQS");
        return Ok(Value::Null);
    };
    let mut answer = SqsBatchResponse::default();
    for record in batch.records {
        let Some(message) = read(&record) else {
            warn!("dropped a message that names no contacts to fold");
            continue;
        };
        if let Err(failure) = refold(deps, queue, message).await {
            tell(message.tenant, &failure, 0);
            answer.add_failure(record.message_id.unwrap_or_default());
        }
    }
    Ok(serde_json::to_value(answer)?)
}

fn read(record: &SqsMessage) -> Option<RefoldMessage> {
    serde_json::from_str(record.body.as_deref()?).ok()
}

async fn refold<S: ScoringStore>(
    deps: &Deps<S>,
    queue: &impl RefoldQueue,
    message: RefoldMessage,
) -> Result<(), ScoringError> {
    let tenant = deps.newest(message.tenant).await?;
    // Of newer rules there are other messages; older ones were not published after all.
    let Some(tenant) = tenant.filter(|tenant| tenant.scoring.version == message.rules_version) else {
        info!(tenant.id = %message.tenant, rules.version = message.rules_version, "these rules are not in force");
        return Ok(());
    };
    match message.range {
        None => start(deps, queue, &tenant, message).await?,
        Some(range) => go_through(deps, queue, &tenant, message, range).await?,
    }
    Ok(())
}

/// Sends a message for each range that nobody is known to have done.
async fn start<S: ScoringStore>(
    deps: &Deps<S>,
    queue: &impl RefoldQueue,
    tenant: &Tenant,
    message: RefoldMessage,
) -> Result<(), StoreError> {
    if deps.store.rules(tenant.id, message.rules_version).await?.decay.is_some() {
        // Who published them did so, too: but the clock may have looked before they were in force.
        let due_at = deps.clock.now() + BETWEEN_LOOKS;
        deps.store.set_timer(&Timer { tenant: tenant.id, task: TimedTask::Scores, due_at }).await?;
    }
    let ordinals = deps.store.ordinals(tenant).await?.0;
    let plan = RefoldPlan { ordinals, started_at: deps.clock.now() };
    let plan = deps.store.plan_refold(tenant.id, message.rules_version, &plan).await?;
    let refold = deps.store.refold(tenant.id, message.rules_version).await?;
    if refold.as_ref().is_some_and(model::scoring::Refold::is_done) {
        return Ok(());
    }
    let done = refold.into_iter().flat_map(|refold| refold.ranges);
    let done: BTreeSet<(u32, u32)> = done.map(|range| (range.from, range.to)).collect();
    let ranges = (0..plan.ordinals).step_by(RANGE as usize);
    let ranges = ranges.map(|from| (from, from.saturating_add(RANGE).min(plan.ordinals)));
    let messages = ranges.filter(|range| !done.contains(range));
    let messages: Vec<_> = messages.map(|range| RefoldMessage { range: Some(range), ..message }).collect();
    queue.send_refolds(&messages).await?;
    info!(
        tenant.id = %tenant.id,
        rules.version = message.rules_version,
        ranges = messages.len(),
        "all contacts are folded under other rules"
    );
    Ok(())
}

async fn go_through<S: ScoringStore>(
    deps: &Deps<S>,
    queue: &impl RefoldQueue,
    tenant: &Tenant,
    message: RefoldMessage,
    (from, to): (u32, u32),
) -> Result<(), ScoringError> {
    let version = message.rules_version;
    let mut at = match deps.store.refold_range(tenant.id, version, from).await? {
        Some(done) if done.to >= to => return Ok(()),
        // Somebody handed the rest of it on; whether that arrived, only the rest itself tells.
        Some(done) => {
            queue.send_refolds(&[RefoldMessage { range: Some((done.to, to)), ..message }]).await?;
            return Ok(());
        }
        None => from,
    };
    let rules = deps.store.rules(tenant.id, version).await?;
    let began = Instant::now();
    let mut contacts = 0;
    while at < to {
        let end = at.saturating_add(PAGE).min(to);
        contacts += page(deps, tenant, &rules, at..end).await?;
        at = end;
        if began.elapsed() > TIME_A_MESSAGE {
            break;
        }
    }
    if at < to {
        // Before the note: behind it nobody would look again.
        queue.send_refolds(&[RefoldMessage { range: Some((at, to)), ..message }]).await?;
    }
    let range = RefoldRange { from, to: at, contacts, done_at: deps.clock.now() };
    deps.store.finish_refold_range(tenant.id, version, &range).await?;
    Ok(())
}

/// Folds the contacts of some ordinals, and counts those that have facts.
async fn page<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    rules: &ScoringRules,
    ordinals: std::ops::Range<u32>,
) -> Result<u64, ScoringError> {
    let mut missing: BTreeSet<Ordinal> = ordinals.map(Ordinal).collect();
    let mut found = Vec::new();
    // Twice: whoever changes its address between the looks at the directory and at the contact is
    // found at the new one.
    for _ in 0..2 {
        let wanted: Vec<Ordinal> = missing.iter().copied().collect();
        let contacts = deps.store.by_ordinals(tenant, &wanted, Consistency::Strong).await?;
        for contact in &contacts {
            missing.remove(&contact.ordinal);
        }
        found.extend(contacts);
        if missing.is_empty() {
            break;
        }
    }
    found.retain(|contact| contact.fold.last.is_some());
    let scored = found.len() as u64;
    bring_up(deps, tenant, rules, found).await?;
    Ok(scored)
}

/// Folds those of some contacts that are behind, and counts them.
pub(crate) async fn bring_up<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    rules: &ScoringRules,
    contacts: Vec<Contact>,
) -> Result<usize, ScoringError> {
    let now = deps.clock.now();
    let behind: Vec<Contact> =
        contacts.into_iter().filter(|contact| is_behind(contact, rules, now)).collect();
    let count = behind.len();
    stream::iter(behind.into_iter().map(|contact| one(deps, tenant, contact)))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(count)
}

async fn one<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    mut contact: Contact,
) -> Result<(), ScoringError> {
    for _ in 0..MOVES {
        let id = contact.id;
        match into_ledger(deps, tenant, contact, Facts::new(), Effects::ScoreAndEngagement).await {
            Ok(_) => return Ok(()),
            Err(ScoringError::Contended) => {}
            Err(failure) => return Err(failure),
        }
        match deps.store.by_id(tenant, id).await? {
            Some(found) => contact = found,
            // It is gone, and its ledger with it.
            None => return Ok(()),
        }
    }
    Err(ScoringError::Contended)
}
