//! The JSON that a stream's event source mapping exchanges with a function.

use serde_json::{Value, json};

use crate::delivery::batch_answer::failed_ids;
use crate::delivery::route::BoxError;
use crate::delivery::{ACCOUNT, REGION};
use crate::engine::StreamRecord;

/// Builds the event for a batch of a table's records.
///
/// # Errors
/// When the log holds what is not JSON.
pub(super) fn event(table: &str, batch: &[StreamRecord]) -> Result<Value, BoxError> {
    let records: Vec<Value> = batch.iter().map(|entry| record(table, entry)).collect::<Result<_, _>>()?;
    Ok(json!({ "Records": records }))
}

fn record(table: &str, record: &StreamRecord) -> Result<Value, BoxError> {
    let image = |image: &Option<String>| image.as_deref().map(item).transpose();
    let images = [("NewImage", image(&record.new_image)?), ("OldImage", image(&record.old_image)?)];
    let texts = [Some(&record.keys), record.new_image.as_ref(), record.old_image.as_ref()];
    let mut change = json!({
        "ApproximateCreationDateTime": record.created_at,
        "Keys": item(&record.keys)?,
        "SequenceNumber": record.sequence_number,
        "SizeBytes": texts.into_iter().flatten().map(String::len).sum::<usize>(),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    });
    if let Some(change) = change.as_object_mut() {
        change.extend(images.into_iter().filter_map(|(name, image)| Some((name.to_owned(), image?))));
    }
    Ok(json!({
        "eventID": record.event_id,
        "eventName": record.event_name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/local"),
        "awsRegion": REGION,
        "dynamodb": change,
    }))
}

fn item(text: &str) -> Result<Value, BoxError> {
    // Not serde's own text: it may quote the item.
    serde_json::from_str(text).map_err(|_| "the stream log holds what is not JSON".into())
}

/// Reads from an answer how many records of the batch, from its first, are done: those before the
/// first one that failed.
///
/// # Errors
/// When the answer cannot be understood, so that none is.
pub(super) fn delivered(answer: Value, batch: &[StreamRecord]) -> Result<usize, BoxError> {
    let failed = failed_ids(answer, batch.iter().map(|record| record.sequence_number.clone()))?;
    let first = batch.iter().position(|record| failed.contains(&record.sequence_number));
    Ok(first.unwrap_or(batch.len()))
}
