//! Runs the import function on AWS Lambda.

use std::time::SystemTime;

use import::{Deps, handle};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use store::{Clock, DynamoStore, EventBridge, S3Objects, SdkConfig, SqsRanges, SqsRests};
use tokio::time::Instant;
use tracing::warn;

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let sdk = SdkConfig::from_env().await;
    let store = DynamoStore::from_env(&sdk)?;
    store.warm().await;
    let deps = &Deps {
        store,
        objects: S3Objects::from_env(&sdk)?,
        queue: SqsRanges::from_env(&sdk)?,
        bus: EventBridge::from_env(&sdk)?,
        clock: Clock::from_env()?,
    };
    let rests = &SqsRests::from_env(&sdk, "LEADS_RANGE_QUEUE_URL")?;
    run(service_fn(|event: LambdaEvent<serde_json::Value>| async move {
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let delivery = event.payload.to_string();
        let answer = handle(deps, event.payload, Some(Instant::now() + left)).await;
        // The runtime logs the error as it is, which with its answers from AWS may hold contacts.
        let answer = answer.map_err(Diagnostic::from)?;
        if let Err(error) = rests.rest_failed(&delivery, &answer).await {
            warn!(%error, "what failed waits until its receipt runs out");
        }
        Ok::<_, Diagnostic>(answer)
    }))
    .await
}
