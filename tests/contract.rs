//! The contract that every store keeps, on a second engine that shares no code with the first:
//! the emulator's DynamoDB.

use std::io::Write;

use store::{DynamoStore, Endpoints, SdkConfig, Tables};

/// Connects to the emulator at `LEADS_EMULATOR`. None skips a test, except where CI counts on it.
async fn emulated() -> Option<DynamoStore> {
    let Ok(url) = std::env::var("LEADS_EMULATOR") else {
        let told = "LEADS_EMULATOR is not set: run this under tests/deploy/emulator";
        assert!(std::env::var_os("CI").is_none(), "{told}");
        writeln!(std::io::stderr(), "skipped: {told}").expect("stderr");
        return None;
    };
    let key = || "test".to_owned();
    let sdk = SdkConfig::for_endpoints(Endpoints {
        dynamodb: url.clone(),
        s3: url.clone(),
        sqs: url.clone(),
        eventbridge: url,
        access_key: key(),
        secret_key: key(),
    });
    let store = DynamoStore::new(&sdk, Tables::prefixed("contract-"));
    store.create_missing_tables().await.expect("the emulator makes tables");
    Some(store)
}

store::contract_tests!({
    let Some(store) = emulated().await else { return };
    std::future::ready(store)
});
