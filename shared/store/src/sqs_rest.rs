//! When a message from SQS that failed comes again: after a rest, and not only when its receipt
//! runs out.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use serde::Deserialize;
use serde_json::Value;

use crate::sdk::store_error;
use crate::sqs::Queue;
use crate::{SdkConfig, StoreError};

const FIRST_REST: Duration = Duration::from_secs(5);
/// With eight deliveries a message lasts through an hour in which nothing works.
const LONGEST_REST: Duration = Duration::from_mins(15);

/// Lets messages of one queue rest.
#[derive(Debug, Clone)]
pub struct SqsRests(Queue);

impl SqsRests {
    /// Connects to the queue that a variable of the environment names.
    ///
    /// # Errors
    /// [`StoreError::Refused`] naming the variable when it is missing.
    pub fn from_env(sdk: &SdkConfig, variable: &'static str) -> Result<Self, StoreError> {
        Queue::from_env(sdk, variable).map(Self)
    }

    /// Lets the messages of a delivery that the answer to it names as failed rest for a while each,
    /// longer each time; those of other queues, and what is no batch, are left alone.
    ///
    /// # Errors
    /// Of the last message that was refused: it waits until its receipt runs out.
    pub async fn rest_failed(&self, delivery: &str, answer: &Value) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for (receipt, rest) in failed(delivery, answer, &self.0.url) {
            let rest_s = i32::try_from(rest.as_secs()).unwrap_or(i32::MAX);
            let change = self.0.client.change_message_visibility().queue_url(&self.0.url);
            let change = change.receipt_handle(receipt).visibility_timeout(rest_s);
            if let Err(error) = change.send().await {
                outcome = Err(store_error(error));
            }
        }
        outcome
    }
}

/// Lists the receipts of failed messages of the queue at a URL.
fn failed(delivery: &str, answer: &Value, queue_url: &str) -> Vec<(String, Duration)> {
    let Ok(SqsBatchResponse { batch_item_failures: failures, .. }) = SqsBatchResponse::deserialize(answer)
    else {
        return Vec::new();
    };
    if failures.is_empty() {
        return Vec::new();
    }
    let Ok(batch) = serde_json::from_str::<SqsEvent>(delivery) else { return Vec::new() };
    let is_failed = |message: &SqsMessage| {
        let mut failures = failures.iter();
        failures.any(|failure| Some(&failure.item_identifier) == message.message_id.as_ref())
    };
    let name = queue_url.rsplit('/').next();
    let is_ours = |message: &SqsMessage| {
        message.event_source_arn.as_deref().and_then(|arn| arn.rsplit(':').next()) == name
    };
    batch
        .records
        .into_iter()
        .filter(|message| is_failed(message) && is_ours(message))
        .filter_map(|message| Some((message.receipt_handle.clone()?, rest_of(&message))))
        .collect()
}

fn rest_of(message: &SqsMessage) -> Duration {
    let receives = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    let before = receives.unwrap_or(1_u32).saturating_sub(1);
    FIRST_REST.saturating_mul(4_u32.saturating_pow(before)).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const QUEUE: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/leads-events";

    fn message(id: &str, receives: u32, queue: &str) -> Value {
        json!({
            "messageId": id, "receiptHandle": format!("receipt of {id}"), "body": "{}",
            "attributes": {"ApproximateReceiveCount": receives.to_string()}, "messageAttributes": {},
            "eventSourceARN": format!("arn:aws:sqs:eu-central-1:123456789012:{queue}"),
        })
    }

    #[test]
    fn what_failed_rests_longer_each_time_and_what_was_done_does_not_rest() {
        let of = |id, receives| message(id, receives, "leads-events");
        let batch = json!({"Records": [of("a", 1), of("b", 1), of("c", 3), of("d", 8)]});
        let failures = ["a", "c", "d"].map(|id| json!({"itemIdentifier": id}));
        let answer = json!({"batchItemFailures": failures});
        let rests = [("a", 5), ("c", 80), ("d", 900)];
        let expected = rests.map(|(id, s)| (format!("receipt of {id}"), Duration::from_secs(s)));
        assert_eq!(failed(&batch.to_string(), &answer, QUEUE), expected);
    }

    #[test]
    fn messages_of_another_queue_and_notifications_are_left_alone() {
        let answer = json!({"batchItemFailures": [{"itemIdentifier": "a"}]});
        let other = json!({"Records": [message("a", 1, "leads-refolds")]});
        assert_eq!(failed(&other.to_string(), &answer, QUEUE), []);
        let notification = json!({"Records": [{"eventSource": "aws:s3"}]});
        assert_eq!(failed(&notification.to_string(), &Value::Null, QUEUE), []);
    }
}
