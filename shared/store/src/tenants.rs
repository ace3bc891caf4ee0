use std::collections::BTreeSet;
use std::future::Future;

use chrono::{DateTime, NaiveDate, Utc};
use model::{Generations, Settings, Tenant, TenantId, TenantSlug};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::StoreError;

/// Finds an API key; the key itself is stored nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Hashes a key as the caller sent it. Keys have 128 random bits and more, so a plain hash
    /// keeps them as well as a slow one would.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Reads the hexadecimal spelling.
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Says whom a key speaks for and what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Names the key without telling it.
    pub id: Uuid,
    /// Whom it speaks for.
    pub tenant: TenantId,
    /// What it may do, such as `contacts:read`; `*` is everything.
    pub scopes: BTreeSet<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// From when on it is good for nothing; none is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// The last day on which it was used, as far as is known: see [`TenantStore::touch_api_key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_on: Option<NaiveDate>,
}

/// Is the scope that holds all others.
pub const EVERYTHING: &str = "*";

impl ApiKey {
    /// Describes a new key that does not expire.
    pub fn new<'a>(
        tenant: TenantId,
        name: &str,
        scopes: impl IntoIterator<Item = &'a str>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id: Uuid::new_v4(),
            tenant,
            scopes: scopes.into_iter().map(str::to_owned).collect(),
            created_at: now,
            name: name.to_owned(),
            expires_at: None,
            last_used_on: None,
        }
    }
}

/// Keeps tenants and their keys.
pub trait TenantStore: Send + Sync {
    /// Stores a new tenant with its first key, all or nothing; false if its slug is taken.
    fn create_tenant(
        &self,
        tenant: &Tenant,
        hash: KeyHash,
        key: &ApiKey,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Reads a tenant.
    fn tenant(&self, id: TenantId) -> impl Future<Output = Result<Option<Tenant>, StoreError>> + Send;

    /// Finds the tenant with a slug.
    fn tenant_by_slug(
        &self,
        slug: &TenantSlug,
    ) -> impl Future<Output = Result<Option<Tenant>, StoreError>> + Send;

    /// Finds a key by its hash.
    fn api_key(&self, hash: KeyHash) -> impl Future<Output = Result<Option<ApiKey>, StoreError>> + Send;

    /// Replaces what a tenant decides for itself; false if there is no such tenant.
    fn save_settings(
        &self,
        tenant: TenantId,
        settings: &Settings,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Goes on with the builds of a tenant's index; false if they are no longer as they were read.
    fn save_generations(
        &self,
        tenant: TenantId,
        before: &Generations,
        after: &Generations,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Stores a further key; one that is there already stays as it is.
    fn put_api_key(&self, hash: KeyHash, key: &ApiKey)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Lists a tenant's keys, the oldest first.
    fn api_keys(&self, tenant: TenantId) -> impl Future<Output = Result<Vec<ApiKey>, StoreError>> + Send;

    /// Removes a key and gives its hash; none if the tenant has no such key.
    fn revoke_api_key(
        &self,
        tenant: TenantId,
        id: Uuid,
    ) -> impl Future<Output = Result<Option<KeyHash>, StoreError>> + Send;

    /// Notes that a key was used on a day. Called once a day and instance, so that it costs next
    /// to nothing; a key that is gone stays gone.
    fn touch_api_key(
        &self,
        hash: KeyHash,
        day: NaiveDate,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
