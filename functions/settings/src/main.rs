//! Runs the settings function on Lambda.

use api::{App, run};
use lambda_http::{Error, tracing};
use settings::Deps;
use store::{Clock, DynamoStore, KeyHash, SdkConfig, SqsBackground};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let sdk = SdkConfig::from_env().await;
    let store = DynamoStore::from_env(&sdk)?;
    store.warm().await;
    let app = App::new(store, Clock::from_env()?);
    let deps = Deps { app: app.clone(), queue: SqsBackground::from_env(&sdk)? };
    // The hash, so that the operator's key itself is in no environment.
    let operator = std::env::var("LEADS_ADMIN_KEY_SHA256").ok().and_then(|hash| KeyHash::parse(&hash));
    run(settings::routes(&deps, operator).into_router(&app)).await
}
