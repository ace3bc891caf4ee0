//! One place that sets the AWS SDK up: the TLS stack, the behaviour version, and what its errors
//! mean to us.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::{Credentials, SharedAsyncSleep, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::StoreError;

/// Holds what all AWS clients of a process share: credentials, region, endpoints, connections.
#[derive(Debug, Clone)]
pub struct SdkConfig {
    shared: aws_config::SdkConfig,
    endpoints: Option<Endpoints>,
}

/// Says where the services of a data plane listen that is not AWS's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// DynamoDB.
    pub dynamodb: String,
    /// S3.
    pub s3: String,
    /// SQS.
    pub sqs: String,
    /// The one access key that is known there.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

impl SdkConfig {
    /// Reads the standard AWS environment variables, endpoints among them.
    pub async fn from_env() -> Self {
        let shared = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http_client());
        Self { shared: shared.load().await, endpoints: None }
    }

    /// Connects to a data plane whose place is known without the environment.
    pub fn for_endpoints(endpoints: Endpoints) -> Self {
        let credentials =
            Credentials::new(&endpoints.access_key, &endpoints.secret_key, None, None, "endpoints");
        let shared = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SystemTimeSource::new())
            .retry_config(RetryConfig::standard())
            .http_client(http_client())
            .build();
        Self { shared, endpoints: Some(endpoints) }
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::config::Builder {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.shared);
        match &self.endpoints {
            Some(endpoints) => config.endpoint_url(&endpoints.dynamodb),
            None => config,
        }
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::config::Builder {
        let config = aws_sdk_s3::config::Builder::from(&self.shared);
        // A host name of its own for every bucket is what AWS has and other endpoints lack.
        match &self.endpoints {
            Some(endpoints) => config.endpoint_url(&endpoints.s3).force_path_style(true),
            None => config.force_path_style(
                self.shared.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some(),
            ),
        }
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::config::Builder {
        let config = aws_sdk_sqs::config::Builder::from(&self.shared);
        match &self.endpoints {
            Some(endpoints) => config.endpoint_url(&endpoints.sqs),
            None => config,
        }
    }
}

fn http_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
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
