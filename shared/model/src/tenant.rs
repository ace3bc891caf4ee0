use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::scoring::Published;
use crate::{Email, Generations, IdKey, Invalid, Settings};

/// Names a tenant: one customer of the product, who sees only its own contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(pub Uuid);

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a tenant to people, unique and fit for an S3 key: `inbox/<slug>/leads.csv`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantSlug(String);

impl TenantSlug {
    const MAX_CHARS: usize = 40;

    /// Makes a slug of a name: `Acme, Inc.` becomes `acme-inc`; a name with no ASCII letter or
    /// digit has none.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in name.chars().map(|c| c.to_ascii_lowercase()) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(Self::MAX_CHARS);
        let slug = slug.trim_end_matches('-');
        (!slug.is_empty()).then(|| Self(slug.to_owned()))
    }

    /// Takes a slug as it stands in an object key.
    ///
    /// # Errors
    /// `invalid_slug` for what [`TenantSlug::from_name`] would not make.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::from_name(text).filter(|slug| slug.0 == text).ok_or_else(|| {
            Invalid::new("invalid_slug", "a slug has 1 to 40 lower-case letters, digits and single hyphens")
        })
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Holds 32 random bytes from which all keys of a tenant are derived.
#[derive(Clone, PartialEq, Eq)]
pub struct TenantSecret([u8; 32]);

impl TenantSecret {
    /// Takes fresh random bytes, or those that were stored.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Gives the bytes to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Derives the key that masks ordinals in ids.
    pub fn id_key(&self) -> IdKey {
        IdKey(self.derive("ids"))
    }

    /// Derives the key that signs page tokens.
    pub fn cursor_key(&self) -> [u8; 32] {
        self.derive("cursors")
    }

    /// Derives the key under which addresses are hashed. Like ids, it never changes.
    pub fn address_key(&self) -> AddressKey {
        AddressKey(self.derive("addresses"))
    }

    fn derive(&self, label: &str) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, &self.0)
            .expand(label.as_bytes(), &mut key)
            .expect("32 bytes are within HKDF-SHA256's limit of 8,160");
        key
    }
}

impl fmt::Debug for TenantSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantSecret(..)")
    }
}

/// Hashes the addresses of one tenant, so that nobody else can tell whose hash it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AddressKey([u8; 32]);

impl AddressKey {
    /// Hashes an address to 128 bits.
    pub fn hash(&self, email: &Email) -> [u8; 16] {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        let hash = mac.chain_update(email.as_str()).finalize().into_bytes();
        std::array::from_fn(|i| hash.get(i).copied().unwrap_or_default())
    }
}

impl fmt::Debug for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressKey(..)")
    }
}

/// Holds what every request of a tenant needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name in object keys.
    pub slug: TenantSlug,
    /// Its name to people.
    pub name: String,
    /// The root of its keys.
    pub secret: TenantSecret,
    /// What it decides for itself.
    pub settings: Settings,
    /// Which of its scoring rules are in force.
    pub scoring: Published,
    /// Which builds of its search index there are.
    pub generations: Generations,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_made_of_a_name_and_read_back() {
        let slug = TenantSlug::from_name("Acme, Inc.").unwrap();
        assert_eq!(slug.as_str(), "acme-inc");
        assert_eq!(TenantSlug::parse("acme-inc"), Ok(slug));
        assert_eq!(TenantSlug::from_name("会社"), None);
        assert!(TenantSlug::parse("../x").is_err());
    }

    #[test]
    fn keys_of_different_labels_differ() {
        let secret = TenantSecret::new([1; 32]);
        assert_ne!(secret.cursor_key(), secret.id_key().0);
    }
}
