//! One place that sets the AWS SDK up: the TLS stack, the behaviour version, and what its errors
//! mean to us.

use aws_config::environment::EnvironmentVariableCredentialsProvider;
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

use crate::{StoreError, Traffic};

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
    /// EventBridge.
    pub eventbridge: String,
    /// The one access key that is known there.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

impl SdkConfig {
    /// Reads the standard AWS environment variables, endpoints among them. Lambda sets all that is
    /// needed; looking also in files and at other services, as the SDK's own loader does, would
    /// make every function larger. (Async, because such a source would be.)
    pub async fn from_env() -> Self {
        let region = std::env::var("AWS_REGION").or_else(|_| std::env::var("AWS_DEFAULT_REGION"));
        let credentials = EnvironmentVariableCredentialsProvider::new();
        let shared = shared(SharedCredentialsProvider::new(credentials), region.ok().map(Region::new));
        Self { shared, endpoints: None }
    }

    /// Connects to a data plane whose place is known without the environment.
    pub fn for_endpoints(endpoints: Endpoints) -> Self {
        let credentials =
            Credentials::new(&endpoints.access_key, &endpoints.secret_key, None, None, "endpoints");
        let credentials = SharedCredentialsProvider::new(credentials);
        let shared = shared(credentials, Some(Region::from_static("us-east-1")));
        Self { shared, endpoints: Some(endpoints) }
    }

    /// Lets the calls of all clients that are made from this be counted.
    #[must_use]
    pub fn watched(self, traffic: &Traffic) -> Self {
        let shared = self.shared.into_builder().http_client(traffic.over(http_client())).build();
        Self { shared, ..self }
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::config::Builder {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.shared);
        config.set_endpoint_url(self.endpoint("DYNAMODB", |endpoints| &endpoints.dynamodb));
        config
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::config::Builder {
        let endpoint = self.endpoint("S3", |endpoints| &endpoints.s3);
        // A host name of its own for every bucket is what AWS has and other endpoints lack.
        let mut config = aws_sdk_s3::config::Builder::from(&self.shared).force_path_style(endpoint.is_some());
        config.set_endpoint_url(endpoint);
        config
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::config::Builder {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.shared);
        config.set_endpoint_url(self.endpoint("SQS", |endpoints| &endpoints.sqs));
        config
    }

    pub(crate) fn eventbridge(&self) -> aws_sdk_eventbridge::config::Builder {
        let mut config = aws_sdk_eventbridge::config::Builder::from(&self.shared);
        config.set_endpoint_url(self.endpoint("EVENTBRIDGE", |endpoints| &endpoints.eventbridge));
        config
    }

    /// Tells where a service is, unless it is AWS's own.
    fn endpoint(&self, service: &str, given: impl Fn(&Endpoints) -> &String) -> Option<String> {
        match &self.endpoints {
            Some(endpoints) => Some(given(endpoints).clone()),
            None => std::env::var(format!("AWS_ENDPOINT_URL_{service}"))
                .or_else(|_| std::env::var("AWS_ENDPOINT_URL"))
                .ok(),
        }
    }
}

fn shared(credentials: SharedCredentialsProvider, region: Option<Region>) -> aws_config::SdkConfig {
    let mut config = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(credentials)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SystemTimeSource::new())
        .retry_config(RetryConfig::standard())
        .http_client(http_client());
    config.set_region(region);
    config.build()
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
