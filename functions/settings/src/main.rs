//! Runs the settings function on Lambda.

use std::time::Duration;

use api::{App, run};
use lambda_http::{Error, tracing};
use settings::Deps;
use store::{Clock, DynamoStore, FIELDS_CACHED_FOR, KeyHash, SdkConfig, SqsBackground};

/// Longer than the API waits for a function, and than an import holds rows that it has read.
const REQUESTS_TAKE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let sdk = SdkConfig::from_env().await;
    let store = DynamoStore::from_env(&sdk)?;
    store.warm().await;
    let app = App::new(store, Clock::from_env()?);
    let queue = SqsBackground::from_env(&sdk)?;
    let deps = Deps { app: app.clone(), queue, fields_known_after: FIELDS_CACHED_FOR + REQUESTS_TAKE };
    // The hash, so that the operator's key itself is in no environment.
    let operator = std::env::var("LEADS_ADMIN_KEY_SHA256").ok().and_then(|hash| KeyHash::parse(&hash));
    run(settings::routes(&deps, operator).into_router(&app)).await
}
