use std::collections::BTreeSet;
use std::future::Future;

use chrono::{DateTime, Utc};
use model::{Tenant, TenantId, TenantSlug};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::StoreError;

/// Finds an API key; the key itself is stored nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

    /// Stores a further key.
    fn put_api_key(&self, hash: KeyHash, key: &ApiKey)
    -> impl Future<Output = Result<(), StoreError>> + Send;
}
