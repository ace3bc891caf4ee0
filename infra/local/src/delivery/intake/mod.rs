//! The intake of SQS and EventBridge: enough of their JSON protocols for the real clients to
//! send messages and events here.
//!
//! Signatures are not checked: the caller serves this on loopback only. A web page in the
//! user's browser cannot send the `X-Amz-Target` header without a preflight, which nothing
//! here answers.

mod bus;
mod error;
mod operations;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::mailbox::Mailbox;
use crate::bus_log::BusLog;
use error::SqsError;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// SQS's limit on the bodies of a request together: 1 MiB.
const MAX_BODIES_BYTES: usize = 1 << 20;

/// The limit on the request's text. JSON writes a control character as six bytes, so bodies
/// within their limit always fit: 6 x 1 MiB and room for the rest.
const MAX_REQUEST_BYTES: usize = 6 * MAX_BODIES_BYTES + (64 << 10);

struct Intake {
    mailbox: Mailbox,
    queues: BTreeSet<String>,
    rule: bus::BusRule,
    log: BusLog,
}

/// Makes the router that takes messages for `queues` into the mailbox, each under its
/// queue's name as destination, and events of one source for the queue `(source, queue)`;
/// all events go into the log, too.
/// Queue URLs are `http://<host>/000000000000/<queue>`.
pub fn router(
    mailbox: Mailbox,
    queues: impl IntoIterator<Item = impl Into<String>>,
    (source, queue): (&'static str, &'static str),
    log: BusLog,
) -> Router {
    let queues = queues.into_iter().map(Into::into).collect();
    let intake = Intake { mailbox, queues, rule: bus::BusRule { source, queue }, log };
    Router::new()
        .route("/", post(handle))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(Arc::new(intake))
}

async fn handle(State(intake): State<Arc<Intake>>, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&intake, &headers, &body).await {
        Ok(answer) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], answer.to_string()).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn answer(intake: &Intake, headers: &HeaderMap, body: &[u8]) -> Result<Value, SqsError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match text("x-amz-target") {
        "AmazonSQS.SendMessage" => operations::send_message(intake, parse(body)?).await,
        "AmazonSQS.SendMessageBatch" => operations::send_message_batch(intake, parse(body)?).await,
        "AmazonSQS.GetQueueUrl" => operations::get_queue_url(intake, text("host"), parse(body)?),
        "AWSEvents.PutEvents" => bus::put_events(intake, parse(body)?).await,
        "AmazonSQS.GetQueueAttributes" => operations::get_queue_attributes(intake, parse(body)?).await,
        other => Err(SqsError::UnknownOperation(other.to_owned())),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body).map_err(SqsError::Unreadable)
}
