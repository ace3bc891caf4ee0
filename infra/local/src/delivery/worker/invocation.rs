//! One invocation of a handler.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio::task::{JoinError, JoinSet};

use crate::delivery::batch_answer::failed_ids;
use crate::delivery::error_text;
use crate::delivery::mailbox::Message;
use crate::delivery::route::{BoxError, Handler, Route, Source};
use crate::delivery::sqs_event::sqs_event;

/// What came of the messages of an invocation.
pub(super) enum Outcome {
    /// All went well, except those with these ids.
    Answered { failed: HashSet<String> },
    /// All failed, for this reason.
    Failed(String),
}

impl Outcome {
    /// Returns why a message of the batch failed, if it did.
    pub(super) fn error(&self, message: &Message) -> Option<&str> {
        match self {
            Outcome::Failed(error) => Some(error),
            Outcome::Answered { failed } => failed
                .contains(&message.id.to_string())
                .then_some("the handler reported it among the batch item failures"),
        }
    }
}

pub(super) async fn invoke(route: &Route, batch: &[Message]) -> Outcome {
    answer(route, batch).await.unwrap_or_else(|error| Outcome::Failed(error_text(error.as_ref())))
}

async fn answer(route: &Route, batch: &[Message]) -> Result<Outcome, BoxError> {
    let event = match (&route.source, batch) {
        // Of a stream these are the events that were buried and are delivered once more.
        (Source::Notification | Source::Stream { .. }, [message]) => {
            // Not serde's own text: it may quote the body.
            RawValue::from_string(message.body.clone()).map_err(|_| "the event is not JSON")?
        }
        _ => to_raw_value(&sqs_event(&route.destination, batch))?,
    };
    let answer = call(route, event).await?;
    let failed = match route.source {
        Source::Notification => HashSet::new(),
        Source::Queue { .. } => failed_ids(answer, batch.iter().map(|message| message.id.to_string()))?,
        // The event is of one record: whatever its answer names, it failed.
        Source::Stream { .. } => failed_ids(answer, [])?,
    };
    Ok(Outcome::Answered { failed })
}

/// Runs the handler as a task of its own, so that its panic ends nothing else.
pub(in crate::delivery) async fn call(route: &Route, event: Box<RawValue>) -> Result<Value, BoxError> {
    let handler: Handler = Arc::clone(&route.handler);
    // A set of one and not a plain handle: it aborts the handler when it is dropped, after
    // the timeout and at shutdown.
    let mut task = JoinSet::new();
    task.spawn(async move { handler(event).await });
    match tokio::time::timeout(route.timeout, task.join_next()).await {
        Ok(Some(Ok(answer))) => answer,
        Ok(Some(Err(failure))) => Err(panic_text(failure).into()),
        Ok(None) => Err("the handler did not run".into()),
        Err(_) => Err(format!("the handler timed out after {:?}", route.timeout).into()),
    }
}

fn panic_text(failure: JoinError) -> String {
    let Ok(panic) = failure.try_into_panic() else {
        return "the handler was aborted".to_owned();
    };
    let text = match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&'static str>().map(|text| text.to_string()).unwrap_or_default(),
    };
    format!("the handler panicked: {text}")
}
