//! Runs the imports function on Lambda.

use api::{App, run};
use imports::Deps;
use lambda_http::{Error, tracing};
use store::{Clock, DynamoStore, S3Objects, SdkConfig};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let sdk = SdkConfig::from_env().await;
    let store = DynamoStore::from_env(&sdk)?;
    store.warm().await;
    let app = App::new(store, Clock::from_env()?);
    let deps = Deps { app: app.clone(), objects: S3Objects::from_env(&sdk)? };
    run(imports::routes(&deps).into_router(&app)).await
}
