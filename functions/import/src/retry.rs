//! When a message that failed comes again: after a rest, and not only when its receipt runs out.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use serde::Deserialize;
use serde_json::Value;
use store::SqsRanges;
use tracing::warn;

const FIRST_REST: Duration = Duration::from_secs(5);
/// With eight deliveries a range lasts through an hour in which nothing works.
const LONGEST_REST: Duration = Duration::from_mins(15);

/// Lets the messages of a batch from SQS that the answer names as failed rest for a while each.
pub async fn rest_failed(queue: &SqsRanges, batch: Value, answer: &Value) {
    for (receipt, rest) in failed(batch, answer) {
        if let Err(error) = queue.rest(&receipt, rest).await {
            warn!(%error, "a range that failed waits until its receipt runs out");
        }
    }
}

/// Lists the receipts of the failed messages.
fn failed(batch: Value, answer: &Value) -> Vec<(String, Duration)> {
    let (Ok(batch), Ok(answer)) =
        (serde_json::from_value::<SqsEvent>(batch), SqsBatchResponse::deserialize(answer))
    else {
        return Vec::new();
    };
    let is_failed = |message: &SqsMessage| {
        let mut failures = answer.batch_item_failures.iter();
        failures.any(|failure| Some(&failure.item_identifier) == message.message_id.as_ref())
    };
    batch
        .records
        .into_iter()
        .filter(is_failed)
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

    fn message(id: &str, receives: u32) -> Value {
        json!({
            "messageId": id, "receiptHandle": format!("receipt of {id}"), "body": "{}",
            "attributes": {"ApproximateReceiveCount": receives.to_string()}, "messageAttributes": {},
        })
    }

    #[test]
    fn what_failed_rests_longer_each_time_and_what_was_done_does_not_rest() {
        let batch = json!({"Records": [message("a", 1), message("b", 1), message("c", 3), message("d", 8)]});
        let failures = ["a", "c", "d"].map(|id| json!({"itemIdentifier": id}));
        let answer = json!({"batchItemFailures": failures});
        let rests = [("a", 5), ("c", 80), ("d", 900)];
        let expected = rests.map(|(id, s)| (format!("receipt of {id}"), Duration::from_secs(s)));
        assert_eq!(failed(batch, &answer), expected);
    }

    #[test]
    fn a_notification_has_nothing_that_rests() {
        assert_eq!(failed(json!({"Records": [{"eventSource": "aws:s3"}]}), &Value::Null), []);
    }
}
