//! The JSON that an SQS event source mapping hands to a function.

use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::mailbox::Message;
use super::{ACCOUNT, REGION};

/// Builds the event for a batch.
pub(super) fn sqs_event(queue: &str, batch: &[Message]) -> Value {
    let records: Vec<Value> = batch.iter().map(|message| record(queue, message)).collect();
    json!({ "Records": records })
}

/// Computes the checksum that SQS gives with each body.
pub(super) fn md5_of_body(body: &str) -> String {
    hex::encode(Md5::digest(body))
}

fn record(queue: &str, message: &Message) -> Value {
    let mut attributes = json!({
        "ApproximateReceiveCount": message.receives.to_string(),
        "SentTimestamp": message.sent_at_ms.to_string(),
        "SenderId": ACCOUNT,
        "ApproximateFirstReceiveTimestamp": message.first_received_at_ms.to_string(),
    });
    if let (Some(attributes), Some(group)) = (attributes.as_object_mut(), &message.group) {
        attributes.insert("MessageGroupId".to_owned(), group.as_str().into());
    }
    json!({
        "messageId": message.id.to_string(),
        // Real handles change with every receive; nobody can use one here.
        "receiptHandle": format!("{}#{}", message.id, message.receives),
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {},
        "md5OfBody": md5_of_body(&message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"),
        "awsRegion": REGION,
    })
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::event::sqs::SqsEvent;

    use super::*;
    use crate::delivery::{Mailbox, NewMessage, now_ms};

    async fn batch(groups: &[Option<&str>]) -> Vec<Message> {
        let folder = tempfile::tempdir().unwrap();
        let mailbox = Mailbox::open(folder.path().join("mailbox")).unwrap();
        let messages = groups.iter().map(|group| NewMessage {
            group: group.map(str::to_owned),
            ..NewMessage::new("import-ranges", r#"{"range":1}"#)
        });
        mailbox.push_all(messages.collect()).await.unwrap();
        mailbox.claim("import-ranges", 10, now_ms()).await.unwrap()
    }

    #[tokio::test]
    async fn the_event_is_one_that_aws_lambda_events_reads() {
        let batch = batch(&[Some("tenant-1"), None]).await;
        let event: SqsEvent = serde_json::from_value(sqs_event("import-ranges", &batch)).unwrap();
        let with_group = event.records.iter().find(|r| r.attributes.contains_key("MessageGroupId")).unwrap();
        assert_eq!(event.records.len(), 2);
        assert_eq!(with_group.attributes["MessageGroupId"], "tenant-1");
        assert_eq!(with_group.attributes["ApproximateReceiveCount"], "1");
        assert!(with_group.attributes["SentTimestamp"].parse::<i64>().unwrap() > 1_700_000_000_000);
        assert!(with_group.attributes.contains_key("ApproximateFirstReceiveTimestamp"));
        assert_eq!(with_group.body.as_deref(), Some(r#"{"range":1}"#));
        assert_eq!(with_group.md5_of_body.as_deref(), Some("cd8a16e0d65dd6689bb5ab0f834a21aa"));
        assert_eq!(with_group.event_source.as_deref(), Some("aws:sqs"));
        let arn = "arn:aws:sqs:us-east-1:000000000000:import-ranges";
        assert_eq!(with_group.event_source_arn.as_deref(), Some(arn));
        assert_eq!(with_group.aws_region.as_deref(), Some("us-east-1"));
    }
}
