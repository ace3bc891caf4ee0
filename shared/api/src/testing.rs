//! A client that calls a router without a server.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use model::Tenant;
use serde_json::Value;
use store::{ApiKey, KeyHash, TenantStore};
use tower::ServiceExt;
use uuid::Uuid;

/// Is an answer that was read whole.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or null where it is no JSON.
    pub json: Value,
}

impl Reply {
    /// Gives a header as text, empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Gives the code of a problem, empty where it is none.
    pub fn code(&self) -> &str {
        self.json.get("code").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Calls the API under one key.
#[derive(Debug, Clone)]
pub struct Client {
    router: Router,
    key: String,
}

impl Client {
    /// Calls a router under a key that may do what `scopes` say, of a tenant that is stored.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn new(router: Router, store: &impl TenantStore, tenant: &Tenant, scopes: &[&str]) -> Self {
        let key = format!("key-{}", Uuid::new_v4());
        let record = ApiKey::new(tenant.id, "test", scopes.iter().copied(), chrono::Utc::now());
        store.put_api_key(KeyHash::of(&key), &record).await.expect("store the key");
        Self { router, key }
    }

    /// Gives the key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Calls another router under the same key.
    #[must_use]
    pub fn through(&self, router: Router) -> Self {
        Self { router, key: self.key.clone() }
    }

    /// Calls without a body.
    pub async fn call(&self, method: Method, path: &str) -> Reply {
        self.send(method, path, &[], Body::empty()).await
    }

    /// Calls with a JSON body.
    pub async fn json(&self, method: Method, path: &str, body: Value) -> Reply {
        self.send(method, path, &[], Body::from(body.to_string())).await
    }

    /// Calls with headers, of which an empty `authorization` leaves the key out.
    ///
    /// # Panics
    /// When the request cannot be built.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.key));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("routers do not fail");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Reply { status: parts.status.as_u16(), headers: parts.headers, json }
    }
}
