//! What wakes the function: S3 says that a file arrived, SQS that a range waits.

use aws_lambda_events::event::s3::{S3Event, S3EventRecord};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{
    DomainEventBus, IndexMessage, IndexQueue, ObjectStore, RangeMessage, RangeQueue, StoreError,
    SweepMessage, SweepQueue,
};
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::arrival::{ArrivedObject, arrived};
use crate::index_block::index_block;
use crate::load::load;
use crate::sweep::sweep;
use crate::{Deps, ImportError, ImportStore, Pace};

/// Takes an S3 notification or a batch of range messages from SQS, and answers the batch with the
/// messages that are to be delivered again. Near the `deadline` a range is handed on.
///
/// Poison is acknowledged with a warning and never retried: an event of another source, a message
/// that is no range, an object that is nobody's, a job or range that does not exist.
///
/// # Errors
/// What kept a notification from being worked off; deliver it again.
pub async fn handle<S, O, Q, B>(
    deps: &Deps<S, O, Q, B>,
    event: Value,
    deadline: Option<Instant>,
) -> Result<Value, ImportError>
where
    S: ImportStore,
    O: ObjectStore + Clone + 'static,
    Q: RangeQueue + SweepQueue + IndexQueue,
    B: DomainEventBus,
{
    handle_at(deps, event, deadline, Pace::default()).await
}

/// Does the work of [`handle`] in steps of a chosen size.
pub(crate) async fn handle_at<S, O, Q, B>(
    deps: &Deps<S, O, Q, B>,
    event: Value,
    deadline: Option<Instant>,
    pace: Pace,
) -> Result<Value, ImportError>
where
    S: ImportStore,
    O: ObjectStore + Clone + 'static,
    Q: RangeQueue + SweepQueue + IndexQueue,
    B: DomainEventBus,
{
    match event.pointer("/Records/0/eventSource").and_then(Value::as_str) {
        Some("aws:s3") => notification(deps, event).await,
        Some("aws:sqs") => messages(deps, event, deadline, pace).await,
        // S3 sends such a one when notifications are set up.
        _ => {
            warn!("ignored an event that is neither an S3 notification nor a batch from SQS");
            Ok(Value::Null)
        }
    }
}

async fn notification<S: ImportStore, O: ObjectStore, Q: RangeQueue, B: DomainEventBus>(
    deps: &Deps<S, O, Q, B>,
    event: Value,
) -> Result<Value, ImportError> {
    let Ok(event) = serde_json::from_value::<S3Event>(event) else {
        warn!("ignored a malformed S3 notification");
        return Ok(Value::Null);
    };
    for record in event.records {
        match arrived_object(record) {
            Some(object) => arrived(deps, &object).await?,
            None => info!("ignored a notification that names no created object"),
        }
    }
    Ok(Value::Null)
}

/// Reads a notification; its key is form-encoded.
fn arrived_object(record: S3EventRecord) -> Option<ArrivedObject> {
    let name = record.event_name.as_deref().unwrap_or_default();
    let object = record.s3.object;
    let key = object.key?.replace('+', " ");
    let key = percent_decode_str(&key).decode_utf8().ok()?.into_owned();
    name.trim_start_matches("s3:").starts_with("ObjectCreated:").then_some(ArrivedObject {
        bucket: record.s3.bucket.name.unwrap_or_default(),
        key,
        etag: object.e_tag?.trim_matches('"').to_owned(),
        sequencer: object.sequencer.unwrap_or_default(),
        at: record.event_time,
    })
}

async fn messages<S, O, Q, B>(
    deps: &Deps<S, O, Q, B>,
    event: Value,
    deadline: Option<Instant>,
    pace: Pace,
) -> Result<Value, ImportError>
where
    S: ImportStore,
    O: ObjectStore + Clone + 'static,
    Q: RangeQueue + SweepQueue + IndexQueue,
    B: DomainEventBus,
{
    let mut answer = SqsBatchResponse::default();
    let Ok(event) = serde_json::from_value::<SqsEvent>(event) else {
        warn!("ignored a malformed batch from SQS");
        return Ok(Value::Null);
    };
    for message in event.records {
        if let Some(message_of_sweep) = body::<SweepMessage>(&message) {
            if !swept(deps, message_of_sweep, deadline).await {
                answer.add_failure(message.message_id.unwrap_or_default());
            }
            continue;
        }
        if let Some(block) = body::<IndexMessage>(&message) {
            // Boxed as below.
            if let Err(failure) = Box::pin(index_block(&deps.store, block, deps.clock.now())).await {
                let (first, cause) = (block.first, failure.with_causes());
                warn!(tenant.id = %block.tenant, block.first = first, error = cause, "a block is indexed later");
                answer.add_failure(message.message_id.unwrap_or_default());
            }
            continue;
        }
        let Some(range) = body::<RangeMessage>(&message) else {
            warn!("dropped a message that is neither a range, a sweep nor a block");
            continue;
        };
        // Boxed: the compiler gives up on futures that are nested so deep.
        let Err(failure) = Box::pin(load(deps, range, deadline, pace)).await else { continue };
        let (id, number, cause) = (range.job, range.range, failure.with_causes());
        if failure.may_pass_later() {
            warn!(import.id = %id, import.range = number, error = cause, "a range goes on later");
        } else {
            error!(import.id = %id, import.range = number, error = cause, "a range failed");
        }
        answer.add_failure(message.message_id.unwrap_or_default());
    }
    serde_json::to_value(answer).map_err(|e| StoreError::Refused(Box::new(e)).into())
}

/// Goes on with a sweep; false if it is to be delivered again.
async fn swept<S, O, Q, B>(deps: &Deps<S, O, Q, B>, message: SweepMessage, deadline: Option<Instant>) -> bool
where
    S: ImportStore,
    O: ObjectStore + Clone + 'static,
    Q: RangeQueue + SweepQueue + IndexQueue,
    B: DomainEventBus,
{
    let Err(failure) = Box::pin(sweep(deps, message, deadline)).await else { return true };
    let SweepMessage { tenant, field } = message;
    let cause = failure.with_causes();
    if failure.may_pass_later() {
        warn!(tenant.id = %tenant, field.id = %field, error = cause, "a sweep goes on later");
    } else {
        error!(tenant.id = %tenant, field.id = %field, error = cause, "a sweep failed");
    }
    false
}

fn body<T: DeserializeOwned>(message: &SqsMessage) -> Option<T> {
    serde_json::from_str(message.body.as_deref()?).ok()
}
