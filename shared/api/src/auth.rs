//! Who calls: the key names the tenant, and nothing else in a request does.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::Tenant;
use store::KeyHash;

use crate::{ApiError, App, EdgeStore, Problem};

/// Names what a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Read contacts.
    ContactsRead,
    /// Create, change and delete contacts.
    ContactsWrite,
    /// Follow imports.
    ImportsRead,
    /// Start imports.
    ImportsWrite,
}

impl Scope {
    /// Gives the spelling in a key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContactsRead => "contacts:read",
            Self::ContactsWrite => "contacts:write",
            Self::ImportsRead => "imports:read",
            Self::ImportsWrite => "imports:write",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Is a key that was recognised.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Whom it speaks for.
    pub tenant: Arc<Tenant>,
    scopes: BTreeSet<String>,
}

impl Caller {
    fn may(&self, scope: Scope) -> bool {
        self.scopes.contains("*") || self.scopes.contains(scope.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
    }
}

/// Recognises the caller of a request and puts it where handlers find it.
pub(crate) async fn authorize<S: EdgeStore>(
    app: &App<S>,
    parts: &mut Parts,
    scope: Option<Scope>,
) -> Result<(), Response> {
    let key = presented_key(&parts.headers).ok_or_else(unauthorized)?;
    let caller = caller(app, key).await.map_err(IntoResponse::into_response)?.ok_or_else(unauthorized)?;
    if let Some(scope) = scope.filter(|scope| !caller.may(*scope)) {
        let detail = format!("the key lacks the scope `{scope}`");
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).into_response());
    }
    parts.extensions.insert((*caller).clone());
    Ok(())
}

async fn caller<S: EdgeStore>(app: &App<S>, key: &str) -> Result<Option<Arc<Caller>>, ApiError> {
    let hash = KeyHash::of(key);
    if let Some(caller) = app.callers.get(&hash).await {
        return Ok(Some(caller));
    }
    let Some(key) = app.store.api_key(hash).await? else { return Ok(None) };
    let Some(tenant) = app.store.tenant(key.tenant).await? else { return Ok(None) };
    let caller = Arc::new(Caller { tenant: Arc::new(tenant), scopes: key.scopes });
    app.callers.insert(hash, caller.clone()).await;
    Ok(Some(caller))
}

/// Finds the key in `Authorization: Bearer …` or `X-Api-Key`.
pub fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok()).filter(|key| !key.is_empty())
}

/// Answers 401, the same for no key and for a wrong one.
pub fn unauthorized() -> Response {
    let detail = "send a valid key as `Authorization: Bearer <key>` or `X-Api-Key: <key>`";
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
