//! One place that sets the AWS SDK up: the TLS stack, the behaviour version, and what its errors
//! mean to us.

use aws_config::BehaviorVersion;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::StoreError;

/// Holds what all AWS clients of a process share: credentials, region, endpoints, connections.
#[derive(Debug, Clone)]
pub struct SdkConfig(pub(crate) aws_config::SdkConfig);

impl SdkConfig {
    /// Reads the standard AWS environment variables.
    pub async fn from_env() -> Self {
        let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        Self(aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(client).load().await)
    }
}

/// Reads the name of a table, bucket or queue.
pub(crate) fn name_from_env(variable: &str) -> Result<String, StoreError> {
    std::env::var(variable)
        .map_err(|_| StoreError::Refused(format!("the environment variable {variable} is not set").into()))
}

/// Sorts an SDK error into what may pass later and what will not.
pub(crate) fn store_error<E>(error: SdkError<E, Response>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let may_pass_later = match &error {
        SdkError::ServiceError(service) => {
            let busy = service.err().code().is_some_and(is_busy);
            busy || service.raw().status().as_u16() >= 500
        }
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ConstructionFailure(_) => false,
        _ => false,
    };
    let error = Box::new(error);
    if may_pass_later { StoreError::Unavailable(error) } else { StoreError::Refused(error) }
}

/// Lists what DynamoDB, S3 and SQS say when they want less.
pub(crate) fn is_busy(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "InternalServerError"
            | "LimitExceededException"
            | "TransactionConflictException"
            | "TransactionConflict"
            | "ThrottlingError"
            | "TransactionInProgressException"
            | "SlowDown"
            | "ServiceUnavailable"
            | "RequestTimeout"
            | "RequestThrottled"
    )
}
