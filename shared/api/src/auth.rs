//! Who calls: the key names the tenant, and nothing else in a request does.

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use model::Tenant;
use store::{ApiKey, EVERYTHING, KeyHash};
use uuid::Uuid;

use crate::{ApiError, App, EdgeStore, Problem};

/// Names what a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Read contacts.
    ContactsRead,
    /// Create, change and delete contacts.
    ContactsWrite,
    /// Send engagement events.
    EventsWrite,
    /// Follow imports.
    ImportsRead,
    /// Start imports.
    ImportsWrite,
    /// Read lists and segments, and count them.
    ListsRead,
    /// Make, change and delete lists, and put contacts on them.
    ListsWrite,
    /// Read what addresses must not be written to.
    SuppressionsRead,
    /// Suppress addresses.
    SuppressionsWrite,
    /// Read settings, custom fields and usage.
    SettingsRead,
    /// Change settings and custom fields.
    SettingsWrite,
    /// Audit and repair the search index.
    IndexWrite,
    /// List API keys.
    KeysRead,
    /// Make and revoke API keys.
    KeysWrite,
}

impl Scope {
    /// Lists every scope.
    pub const ALL: [Self; 14] = [
        Self::ContactsRead,
        Self::ContactsWrite,
        Self::EventsWrite,
        Self::ImportsRead,
        Self::ImportsWrite,
        Self::ListsRead,
        Self::ListsWrite,
        Self::SuppressionsRead,
        Self::SuppressionsWrite,
        Self::SettingsRead,
        Self::SettingsWrite,
        Self::IndexWrite,
        Self::KeysRead,
        Self::KeysWrite,
    ];

    /// Gives the spelling in a key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContactsRead => "contacts:read",
            Self::ContactsWrite => "contacts:write",
            Self::EventsWrite => "events:write",
            Self::ImportsRead => "imports:read",
            Self::ImportsWrite => "imports:write",
            Self::ListsRead => "lists:read",
            Self::ListsWrite => "lists:write",
            Self::SuppressionsRead => "suppressions:read",
            Self::SuppressionsWrite => "suppressions:write",
            Self::SettingsRead => "settings:read",
            Self::SettingsWrite => "settings:write",
            Self::IndexWrite => "index:write",
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
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
    key: ApiKey,
}

impl Caller {
    fn may(&self, scope: Scope) -> bool {
        self.holds(scope.as_str())
    }

    /// Tells whether the key has a scope, so that it may give it to another.
    pub fn holds(&self, scope: &str) -> bool {
        self.key.scopes.contains(EVERYTHING) || self.key.scopes.contains(scope)
    }

    /// Tells whether the key is still good. Real time: an expiry is no matter of the domain.
    fn is_good(&self) -> bool {
        self.key.expires_at.is_none_or(|expires| Utc::now() < expires)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
    }
}

/// Recognises the caller of a request and puts it where handlers find it. Gives the key's id.
pub(crate) async fn authorize<S: EdgeStore>(
    app: &App<S>,
    parts: &mut Parts,
    scope: Option<Scope>,
) -> Result<Uuid, Response> {
    let key = presented_key(&parts.headers).ok_or_else(unauthorized)?;
    let caller = caller(app, key).await.map_err(IntoResponse::into_response)?;
    let caller = caller.filter(|caller| caller.is_good()).ok_or_else(unauthorized)?;
    if let Some(scope) = scope.filter(|scope| !caller.may(*scope)) {
        let detail = format!("the key lacks the scope `{scope}`");
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).into_response());
    }
    parts.extensions.insert((*caller).clone());
    Ok(caller.key.id)
}

async fn caller<S: EdgeStore>(app: &App<S>, key: &str) -> Result<Option<Arc<Caller>>, ApiError> {
    let hash = KeyHash::of(key);
    if let Some(caller) = app.callers.get(&hash) {
        return Ok(Some(caller));
    }
    let Some(key) = app.store.api_key(hash).await? else { return Ok(None) };
    let Some(tenant) = app.store.tenant(key.tenant).await? else { return Ok(None) };
    touch(app, hash, &key).await;
    let caller = Arc::new(Caller { tenant: Arc::new(tenant), key });
    app.callers.insert(hash, caller.clone());
    Ok(Some(caller))
}

/// Notes the day of a key's use, once a day and instance. It only helps people to find keys that
/// nobody uses, so no request fails for it.
async fn touch<S: EdgeStore>(app: &App<S>, hash: KeyHash, key: &ApiKey) {
    let today = Utc::now().date_naive();
    if key.last_used_on == Some(today) {
        return;
    }
    if let Err(error) = app.store.touch_api_key(hash, today).await {
        tracing::warn!(key.id = %key.id, error = %error, "the use of a key was not noted");
    }
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
