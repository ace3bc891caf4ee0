//! Runs the clock function on AWS Lambda.

use clock::{Deps, handle};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;
use store::{Clock, DynamoStore, EventBridge, SdkConfig, SqsClock};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let sdk = SdkConfig::from_env().await;
    let store = DynamoStore::from_env(&sdk)?;
    store.warm().await;
    let (queue, bus) = (SqsClock::from_env(&sdk)?, EventBridge::from_env(&sdk)?);
    let deps = &Deps::new(store, queue, bus, Clock::from_env()?);
    run(service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        handle(deps, &event.payload).await.map_err(Diagnostic::from)
    }))
    .await
}
