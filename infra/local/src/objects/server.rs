//! Serves the store over HTTP until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures::future::BoxFuture;
use http::{Request, Response, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::{conn::auto, graceful::GracefulShutdown};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError};
use tokio::net::TcpListener;

use super::cors;
use super::error::StorageError;
use super::notify::Notifications;
use super::service::Service;
use super::storage::Storage;

/// How long the requests under way may take after the signal to stop.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// How long to wait when no connection can be taken, as without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Says what to serve.
#[derive(Clone, Debug)]
pub struct ObjectServerConfig {
    /// Holds the objects; made where it is missing, locked while the server lives.
    pub directory: PathBuf,
    /// The one access key that may sign requests.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// Buckets that exist from the start.
    pub buckets: Vec<String>,
    /// Who hears of created objects.
    pub notifications: Option<Notifications>,
}

/// Serves one directory of objects on one listener.
pub struct ObjectServer {
    listener: TcpListener,
    service: CorsService,
}

impl ObjectServer {
    /// Opens the directory and readies the server; connections wait in the listener until
    /// [`Self::serve`] runs.
    ///
    /// # Errors
    /// When the directory cannot be used, or another process has it open.
    pub async fn bind(config: ObjectServerConfig, listener: TcpListener) -> Result<Self, StorageError> {
        let ObjectServerConfig { directory, access_key, secret_key, buckets, notifications } = config;
        let storage = tokio::task::spawn_blocking(move || {
            let storage = Storage::open(&directory, notifications)?;
            for bucket in &buckets {
                storage.catalog.create_bucket(bucket, Utc::now())?;
            }
            Ok::<_, StorageError>(storage)
        })
        .await??;
        let mut builder = S3ServiceBuilder::new(Service::new(Arc::new(storage)));
        builder.set_auth(SimpleAuth::from_single(access_key, secret_key));
        Ok(Self { listener, service: CorsService { inner: builder.build() } })
    }

    /// Tells where the server listens.
    ///
    /// # Errors
    /// When the operating system does not know the socket any more.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` resolves, then gives the requests under way 5 s to end.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let http = auto::Builder::new(TokioExecutor::new());
        let graceful = GracefulShutdown::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(error = %error, "object server cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(error = %error, "object connection keeps Nagle's algorithm");
            }
            let connection = http.serve_connection(TokioIo::new(stream), self.service.clone()).into_owned();
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(error = %error, "object connection ended early");
                }
            });
        }
        // New connections are refused from here on, not left waiting.
        drop(self.listener);
        if tokio::time::timeout(SHUTDOWN_LIMIT, graceful.shutdown()).await.is_err() {
            tracing::warn!("object server stopped with requests under way");
        }
    }
}

/// Adds CORS around the S3 service.
#[derive(Clone)]
struct CorsService {
    inner: S3Service,
}

impl hyper::service::Service<Request<Incoming>> for CorsService {
    type Response = Response<Body>;
    type Error = HttpError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        if let Some(response) = cors::preflight(&request) {
            return Box::pin(std::future::ready(Ok(response)));
        }
        let crosses_origins = request.headers().contains_key(header::ORIGIN);
        let inner = self.inner.clone();
        Box::pin(async move {
            let mut response = inner.call(request.map(Body::from)).await?;
            if crosses_origins {
                cors::expose(response.headers_mut());
            }
            Ok(response)
        })
    }
}
