//! The notification of a created object, in S3's own JSON.

use chrono::{DateTime, SecondsFormat, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// What S3 leaves as it is in the key of an event, besides letters, digits and the space.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// Tells which operation created an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventName {
    /// A PUT of the whole object.
    Put,
    /// A copy within the store.
    Copy,
    /// The completion of a multipart upload.
    CompleteMultipartUpload,
}

impl EventName {
    /// Spells the name as it stands in the event.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::Copy => "ObjectCreated:Copy",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
        }
    }
}

/// Describes an object that has just been created or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket's name.
    pub bucket: String,
    /// The key as the caller wrote it, not encoded.
    pub key: String,
    /// The length of the content.
    pub size_bytes: u64,
    /// The entity tag without quotes.
    pub etag: String,
    /// The operation that created it.
    pub event_name: EventName,
    /// When it was created; also the object's last modification.
    pub event_time: DateTime<Utc>,
    /// Orders the events of one key: the later one is the greater string.
    pub sequencer: String,
}

impl ObjectCreated {
    /// Gives the JSON that a Lambda function receives from S3.
    pub fn to_event(&self) -> Value {
        json!({ "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": self.event_time.to_rfc3339_opts(SecondsFormat::Millis, true),
            "eventName": self.event_name.as_str(),
            "userIdentity": { "principalId": "local" },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": { "x-amz-request-id": self.sequencer, "x-amz-id-2": self.sequencer },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "local",
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": { "principalId": "local" },
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": {
                    "key": encode_key(&self.key),
                    "size": self.size_bytes,
                    "eTag": self.etag,
                    "sequencer": self.sequencer,
                },
            },
        }] })
    }
}

/// Form-encodes a key as S3 does in events: a space becomes `+`, the slash stays.
fn encode_key(key: &str) -> String {
    utf8_percent_encode(key, KEPT).to_string().replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::event::s3::S3Event;

    use super::*;

    fn created(key: &str) -> ObjectCreated {
        ObjectCreated {
            bucket: "uploads".into(),
            key: key.into(),
            size_bytes: 12,
            etag: "abc".into(),
            event_name: EventName::Put,
            event_time: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
            sequencer: "0017".into(),
        }
    }

    #[test]
    fn the_event_is_what_a_lambda_function_parses() {
        let event: S3Event = serde_json::from_value(created("imports/a.csv").to_event()).unwrap();
        let record = &event.records[0];
        assert_eq!(record.event_version.as_deref(), Some("2.1"));
        assert_eq!(record.event_source.as_deref(), Some("aws:s3"));
        assert_eq!(record.event_name.as_deref(), Some("ObjectCreated:Put"));
        assert_eq!(record.event_time.timestamp_millis(), 1_700_000_000_123);
        assert_eq!(record.s3.bucket.name.as_deref(), Some("uploads"));
        assert_eq!(record.s3.bucket.arn.as_deref(), Some("arn:aws:s3:::uploads"));
        assert_eq!(record.s3.object.key.as_deref(), Some("imports/a.csv"));
        assert_eq!(record.s3.object.size, Some(12));
        assert_eq!(record.s3.object.e_tag.as_deref(), Some("abc"));
        assert_eq!(record.s3.object.sequencer.as_deref(), Some("0017"));
    }

    #[test]
    fn the_key_of_an_event_is_form_encoded() {
        assert_eq!(encode_key("imports/red flower+50%.csv"), "imports/red+flower%2B50%25.csv");
        assert_eq!(encode_key("../é&=?"), "../%C3%A9%26%3D%3F");
    }
}
