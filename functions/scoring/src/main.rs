//! Runs the scoring function on AWS Lambda.

use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use scoring::{Deps, handle_all};
use serde_json::value::RawValue;
use store::{Clock, DynamoStore, SdkConfig, SqsRefolds, SqsRests};
use tracing::warn;

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let sdk = SdkConfig::from_env().await;
    let store = DynamoStore::from_env(&sdk)?;
    store.warm().await;
    let deps = &Deps::new(store, Clock::from_env()?);
    let queue = &SqsRefolds::from_env(&sdk)?;
    let event_rests = &SqsRests::from_env(&sdk, "LEADS_EVENT_QUEUE_URL")?;
    let refold_rests = &SqsRests::from_env(&sdk, "LEADS_REFOLD_QUEUE_URL")?;
    run(service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        // The runtime logs the error as it is, which with its answers from AWS may hold contacts.
        let answer = handle_all(deps, queue, &event.payload).await.map_err(Diagnostic::from)?;
        for rests in [event_rests, refold_rests] {
            if let Err(error) = rests.rest_failed(event.payload.get(), &answer).await {
                warn!(%error, "what failed waits until its receipt runs out");
            }
        }
        Ok::<_, Diagnostic>(answer)
    }))
    .await
}
