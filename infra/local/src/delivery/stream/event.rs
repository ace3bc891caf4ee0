//! The JSON that a stream's event source mapping exchanges with a function.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::delivery::batch_answer::failed_ids;
use crate::delivery::route::BoxError;
use crate::delivery::{ACCOUNT, REGION};
use crate::engine::StreamRecord;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event<'r> {
    records: Vec<Record<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'r> {
    #[serde(rename = "eventID")]
    event_id: &'r str,
    event_name: &'r str,
    event_version: &'static str,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'r str,
    aws_region: &'static str,
    dynamodb: Change<'r>,
}

/// Is a change as the log has it: the images are passed on without being taken apart.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Change<'r> {
    approximate_creation_date_time: i64,
    keys: &'r RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_image: Option<&'r RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_image: Option<&'r RawValue>,
    sequence_number: &'r str,
    size_bytes: usize,
    stream_view_type: &'static str,
}

/// Builds the event for a batch of a table's records.
///
/// # Errors
/// When the log holds what is not JSON.
pub(super) fn event(table: &str, batch: &[StreamRecord]) -> Result<Box<RawValue>, BoxError> {
    let arn = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/local");
    let records = batch.iter().map(|entry| record(&arn, entry)).collect::<Result<_, _>>()?;
    Ok(to_raw_value(&Event { records })?)
}

fn record<'r>(arn: &'r str, record: &'r StreamRecord) -> Result<Record<'r>, BoxError> {
    let texts = [Some(&record.keys), record.new_image.as_ref(), record.old_image.as_ref()];
    let dynamodb = Change {
        approximate_creation_date_time: record.created_at,
        keys: item(&record.keys)?,
        new_image: record.new_image.as_deref().map(item).transpose()?,
        old_image: record.old_image.as_deref().map(item).transpose()?,
        sequence_number: &record.sequence_number,
        size_bytes: texts.into_iter().flatten().map(String::len).sum(),
        stream_view_type: "NEW_AND_OLD_IMAGES",
    };
    Ok(Record {
        event_id: &record.event_id,
        event_name: &record.event_name,
        event_version: "1.1",
        event_source: "aws:dynamodb",
        event_source_arn: arn,
        aws_region: REGION,
        dynamodb,
    })
}

fn item(text: &str) -> Result<&RawValue, BoxError> {
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
