//! Runs the events function on Lambda.

use api::{App, run};
use events::Deps;
use lambda_http::{Error, tracing};
use store::{Clock, DynamoStore, EventBridge, SdkConfig};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let sdk = SdkConfig::from_env().await;
    let store = DynamoStore::from_env(&sdk)?;
    store.warm().await;
    let deps = Deps { app: App::new(store, Clock::from_env()?), bus: EventBridge::from_env(&sdk)? };
    run(events::routes(&deps).into_router(&deps.app)).await
}
