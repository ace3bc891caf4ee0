//! Runs the scoring function on AWS Lambda.

use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use scoring::{Deps, handle_all};
use serde_json::value::RawValue;
use store::{Clock, DynamoStore, SdkConfig, SqsRefolds};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let sdk = SdkConfig::from_env().await;
    let store = DynamoStore::from_env(&sdk)?;
    store.warm().await;
    let deps = &Deps::new(store, Clock::from_env()?);
    let queue = &SqsRefolds::from_env(&sdk)?;
    run(service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        // The runtime logs the error as it is, which with its answers from AWS may hold contacts.
        handle_all(deps, queue, &event.payload).await.map_err(Diagnostic::from)
    }))
    .await
}
