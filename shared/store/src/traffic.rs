use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Counts the calls of AWS clients and the bytes of their answers, and can hold each answer back: how
/// many of them wait for one another then shows in the time, however fast the data plane is.
#[derive(Debug, Clone, Default)]
pub struct Traffic(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    calls: AtomicU64,
    bytes: AtomicU64,
    delay_ms: AtomicU64,
}

impl Traffic {
    /// Tells how many calls there were, and how many bytes came back.
    pub fn so_far(&self) -> (u64, u64) {
        (self.0.calls.load(Ordering::Relaxed), self.0.bytes.load(Ordering::Relaxed))
    }

    /// Holds each answer back for so long from now on.
    pub fn delay(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.delay_ms.store(millis, Ordering::Relaxed);
    }

    pub(crate) fn over(&self, inner: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Watched { inner, traffic: self.clone() })
    }

    async fn wait(&self) {
        match self.0.delay_ms.load(Ordering::Relaxed) {
            0 => {}
            millis => tokio::time::sleep(Duration::from_millis(millis)).await,
        }
    }
}

#[derive(Debug)]
struct Watched<C> {
    inner: C,
    traffic: Traffic,
}

impl HttpClient for Watched<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Watched { inner, traffic: self.traffic.clone() })
    }
}

impl HttpConnector for Watched<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, traffic) = (self.inner.call(request), self.traffic.clone());
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            traffic.0.calls.fetch_add(1, Ordering::Relaxed);
            traffic.0.bytes.fetch_add(answer.body().content_length().unwrap_or_default(), Ordering::Relaxed);
            traffic.wait().await;
            Ok(answer)
        })
    }
}
