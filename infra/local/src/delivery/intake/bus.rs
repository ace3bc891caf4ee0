//! PutEvents of EventBridge, with the one rule that the template has: engagement events go into
//! their queue. What no rule matches is taken and goes nowhere, as on AWS.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Intake;
use super::error::SqsError;
use crate::delivery::mailbox::NewMessage;
use crate::delivery::{ACCOUNT, REGION};

/// EventBridge's limit on the entries of a call.
const MAX_ENTRIES: usize = 10;
/// The bus of who names none.
const DEFAULT_BUS: &str = "default";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutEvents {
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
    /// Seconds since 1970.
    time: Option<f64>,
    #[serde(default)]
    resources: Vec<String>,
}

/// Says where events of a source go.
pub(super) struct BusRule {
    /// Their source.
    pub(super) source: &'static str,
    /// The queue.
    pub(super) queue: &'static str,
}

/// Stores what the rule matches in one transaction, and answers for each entry.
pub(super) async fn put_events(intake: &Intake, request: PutEvents) -> Result<Value, SqsError> {
    if request.entries.is_empty() || request.entries.len() > MAX_ENTRIES {
        return Err(SqsError::EntryCount(request.entries.len()));
    }
    let (mut answers, mut messages, mut taken, mut failed) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for entry in request.entries {
        let id = Uuid::new_v4();
        match envelope(entry, id) {
            Ok(event) => {
                if event.get("source").and_then(Value::as_str) == Some(intake.rule.source) {
                    messages.push(NewMessage::new(intake.rule.queue, event.to_string()));
                }
                taken.push(event);
                answers.push(json!({"EventId": id.to_string()}));
            }
            Err((code, message)) => {
                failed += 1;
                answers.push(json!({"ErrorCode": code, "ErrorMessage": message}));
            }
        }
    }
    if !messages.is_empty() {
        intake.mailbox.push_all(messages).await?;
    }
    taken.into_iter().for_each(|event| intake.log.keep(event));
    Ok(json!({"FailedEntryCount": failed, "Entries": answers}))
}

/// Gives an event in the form in which a rule hands it to its target.
fn envelope(entry: Entry, id: Uuid) -> Result<Value, (&'static str, &'static str)> {
    let required = |text: Option<String>| text.filter(|text| !text.is_empty());
    let source = required(entry.source).ok_or(("InvalidArgument", "Parameter Source is not valid."))?;
    let detail_type =
        required(entry.detail_type).ok_or(("InvalidArgument", "Parameter DetailType is not valid."))?;
    let detail = entry.detail.and_then(|detail| serde_json::from_str::<Value>(&detail).ok());
    let detail = detail.filter(Value::is_object).ok_or(("MalformedDetail", "Detail is malformed."))?;
    let bus = entry.event_bus_name.as_deref().unwrap_or(DEFAULT_BUS);
    // A name, or an ARN that ends in one.
    if bus.rsplit('/').next() != Some(DEFAULT_BUS) {
        return Err(("ResourceNotFoundException", "There is no bus but `default` here."));
    }
    let told = entry.time.and_then(|time| chrono::DateTime::from_timestamp_millis((time * 1_000.0) as i64));
    let time = told.unwrap_or_else(chrono::Utc::now).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    Ok(json!({
        "version": "0",
        "id": id.to_string(),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": time,
        "region": REGION,
        "resources": entry.resources,
        "detail": detail,
    }))
}
