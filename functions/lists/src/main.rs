//! Runs the lists function on Lambda.

use api::{App, run};
use lambda_http::{Error, tracing};
use store::{Clock, DynamoStore, SdkConfig};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let sdk = SdkConfig::from_env().await;
    let store = DynamoStore::from_env(&sdk)?;
    store.warm().await;
    let app = App::new(store, Clock::from_env()?);
    run(lists::routes(&app).into_router(&app)).await
}
