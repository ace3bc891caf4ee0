//! The operations of the intake.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::SqsError;
use super::{Intake, MAX_BODIES_BYTES};
use crate::delivery::mailbox::NewMessage;
use crate::delivery::sqs_event::md5_of_body;
use crate::delivery::{ACCOUNT, now_ms};

/// SQS's limit on the entries of a batch.
const MAX_ENTRIES: usize = 10;
const MAX_DELAY_SECONDS: u32 = 900;

const MESSAGE_COUNT: &str = "ApproximateNumberOfMessages";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessage {
    queue_url: String,
    #[serde(flatten)]
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessageBatch {
    queue_url: String,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    #[serde(flatten)]
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    #[serde(default)]
    message_body: String,
    message_group_id: Option<String>,
    #[serde(default)]
    delay_seconds: u32,
    #[serde(default)]
    message_attributes: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetQueueUrl {
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetQueueAttributes {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

pub(super) async fn send_message(intake: &Intake, request: SendMessage) -> Result<Value, SqsError> {
    let queue = queue_of_url(intake, &request.queue_url)?;
    let message = request.content.into_message(queue)?;
    if message.body.len() > MAX_BODIES_BYTES {
        return Err(SqsError::MessageTooLong);
    }
    let md5 = md5_of_body(&message.body);
    let ids = intake.mailbox.push_all(vec![message]).await?;
    let id = ids.first().map(ToString::to_string);
    Ok(json!({ "MessageId": id, "MD5OfMessageBody": md5 }))
}

/// Stores the batch in one transaction: there is no partial success here.
pub(super) async fn send_message_batch(
    intake: &Intake,
    request: SendMessageBatch,
) -> Result<Value, SqsError> {
    let queue = queue_of_url(intake, &request.queue_url)?;
    check_entries(&request.entries)?;
    let mut names = Vec::new();
    let mut messages = Vec::new();
    for entry in request.entries {
        names.push((entry.id, md5_of_body(&entry.content.message_body)));
        messages.push(entry.content.into_message(queue)?);
    }
    let ids = intake.mailbox.push_all(messages).await?;
    let successful: Vec<Value> = names
        .into_iter()
        .zip(ids)
        .map(|((name, md5), id)| json!({ "Id": name, "MessageId": id.to_string(), "MD5OfMessageBody": md5 }))
        .collect();
    Ok(json!({ "Successful": successful, "Failed": [] }))
}

pub(super) fn get_queue_url(intake: &Intake, host: &str, request: GetQueueUrl) -> Result<Value, SqsError> {
    let queue = known_queue(intake, &request.queue_name)?;
    Ok(json!({ "QueueUrl": format!("http://{host}/{ACCOUNT}/{queue}") }))
}

pub(super) async fn get_queue_attributes(
    intake: &Intake,
    request: GetQueueAttributes,
) -> Result<Value, SqsError> {
    let queue = queue_of_url(intake, &request.queue_url)?;
    let mut attributes = Map::new();
    for name in request.attribute_names {
        if name != MESSAGE_COUNT && name != "All" {
            return Err(SqsError::UnknownAttribute(name));
        }
        let count = intake.mailbox.deliverable(queue, now_ms()).await?;
        attributes.insert(MESSAGE_COUNT.to_owned(), count.to_string().into());
    }
    Ok(json!({ "Attributes": attributes }))
}

/// Finds the queue by the last part of its URL: the host depends on how the client got here.
fn queue_of_url<'a>(intake: &'a Intake, url: &str) -> Result<&'a str, SqsError> {
    known_queue(intake, url.rsplit('/').next().unwrap_or_default())
}

fn known_queue<'a>(intake: &'a Intake, name: &str) -> Result<&'a str, SqsError> {
    intake.queues.get(name).map(String::as_str).ok_or(SqsError::NoQueue)
}

fn check_entries(entries: &[Entry]) -> Result<(), SqsError> {
    if entries.is_empty() {
        return Err(SqsError::EmptyBatch);
    }
    if entries.len() > MAX_ENTRIES {
        return Err(SqsError::TooManyEntries(entries.len()));
    }
    let mut seen = HashSet::new();
    for entry in entries {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=80).contains(&entry.id.len()) || !entry.id.bytes().all(allowed) {
            return Err(SqsError::InvalidEntryId);
        }
        if !seen.insert(&entry.id) {
            return Err(SqsError::SameIds(entry.id.clone()));
        }
    }
    let size_bytes = entries.iter().map(|entry| entry.content.message_body.len()).sum();
    if size_bytes > MAX_BODIES_BYTES {
        return Err(SqsError::BatchTooLong(size_bytes));
    }
    Ok(())
}

impl Content {
    /// Refuses what would otherwise be lost without a word.
    fn into_message(self, queue: &str) -> Result<NewMessage, SqsError> {
        if self.message_body.is_empty() {
            return Err(SqsError::NoBody);
        }
        if self.delay_seconds > MAX_DELAY_SECONDS {
            return Err(SqsError::Unsupported("DelaySeconds over 900"));
        }
        if !self.message_attributes.is_empty() {
            return Err(SqsError::Unsupported("MessageAttributes"));
        }
        let delay = Duration::from_secs(self.delay_seconds.into());
        Ok(NewMessage { group: self.message_group_id, delay, ..NewMessage::new(queue, self.message_body) })
    }
}
