//! Page tokens: signed, so that nobody makes one up, and bound to what they page through.

use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use model::Tenant;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{ApiError, Problem};

const LIVES_FOR_S: i64 = 24 * 60 * 60;
const SIGNATURE_BYTES: usize = 16;

/// Says what a cursor pages through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CursorKind {
    /// All contacts.
    #[serde(rename = "c")]
    Contacts,
    /// All imports.
    #[serde(rename = "i")]
    Imports,
    /// All suppressions.
    #[serde(rename = "u")]
    Suppressions,
    /// What a search found.
    #[serde(rename = "s")]
    Search,
    /// All lists.
    #[serde(rename = "l")]
    Lists,
    /// Whom a rule puts on a list.
    #[serde(rename = "m")]
    Members,
    /// Those who were on a list when a walk over it began.
    #[serde(rename = "w")]
    Walk,
    /// What a contact did.
    #[serde(rename = "a")]
    Activity,
}

/// Is a place between two pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor<P> {
    #[serde(rename = "k")]
    kind: CursorKind,
    #[serde(rename = "e")]
    expires: i64,
    #[serde(rename = "p")]
    place: P,
}

impl<P: Serialize + DeserializeOwned> Cursor<P> {
    /// Writes the token of a place; it lives for 24 hours.
    pub fn token(tenant: &Tenant, kind: CursorKind, place: P) -> String {
        let cursor = Self { kind, expires: Utc::now().timestamp() + LIVES_FOR_S, place };
        let mut bytes = serde_json::to_vec(&cursor).unwrap_or_default();
        let signature = mac(tenant, &bytes).finalize().into_bytes();
        bytes.extend(signature.iter().take(SIGNATURE_BYTES));
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads the place out of a token.
    ///
    /// # Errors
    /// 400 `invalid_cursor` for what this tenant was not given for this list, 410 `cursor_expired`.
    pub fn read(tenant: &Tenant, kind: CursorKind, token: &str) -> Result<P, ApiError> {
        let cursor = Self::verified(tenant, token).filter(|cursor| cursor.kind == kind);
        let cursor = cursor.ok_or_else(|| {
            let detail = "the cursor is not one that this list gave; start again without it";
            Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", detail)
        })?;
        if cursor.expires < Utc::now().timestamp() {
            let detail = "the cursor is over 24 hours old; start again without it";
            return Err(Problem::new(StatusCode::GONE, "cursor_expired", detail).into());
        }
        Ok(cursor.place)
    }

    fn verified(tenant: &Tenant, token: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (payload, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE_BYTES)?)?;
        mac(tenant, payload).verify_truncated_left(signature).ok()?;
        serde_json::from_slice(payload).ok()
    }
}

fn mac(tenant: &Tenant, payload: &[u8]) -> Hmac<Sha256> {
    let mac =
        Hmac::<Sha256>::new_from_slice(&tenant.secret.cursor_key()).expect("HMAC takes a key of any length");
    mac.chain_update(payload)
}

#[cfg(test)]
mod tests {
    use model::{TenantId, TenantSecret, TenantSlug};
    use uuid::Uuid;

    use super::*;

    fn tenant(byte: u8) -> Tenant {
        Tenant {
            id: TenantId(Uuid::from_u128(byte.into())),
            slug: TenantSlug::from_name("acme").unwrap(),
            name: "Acme".into(),
            secret: TenantSecret::new([byte; 32]),
            settings: Default::default(),
            scoring: Default::default(),
            generations: Default::default(),
        }
    }

    fn status(tenant: &Tenant, kind: CursorKind, token: &str) -> u16 {
        Cursor::<u32>::read(tenant, kind, token).expect_err("refused").to_problem().status
    }

    #[test]
    fn a_token_is_good_for_its_tenant_and_list_only() {
        let token = Cursor::token(&tenant(1), CursorKind::Contacts, 42_u32);
        assert_eq!(Cursor::<u32>::read(&tenant(1), CursorKind::Contacts, &token).unwrap(), 42);
        assert_eq!(status(&tenant(2), CursorKind::Contacts, &token), 400);
        assert_eq!(status(&tenant(1), CursorKind::Imports, &token), 400);
    }

    #[test]
    fn a_token_that_was_touched_is_refused() {
        let token = Cursor::token(&tenant(1), CursorKind::Contacts, 42_u32);
        for n in 0..token.len() {
            let mut touched = token.clone().into_bytes();
            touched[n] = if touched[n] == b'A' { b'B' } else { b'A' };
            let touched = String::from_utf8(touched).unwrap();
            let read = Cursor::<u32>::read(&tenant(1), CursorKind::Contacts, &touched);
            // The last character may carry bits that decode to nothing.
            assert!(read.is_err() || n == token.len() - 1, "{touched}");
        }
        for junk in ["", "x", "????", &"A".repeat(500)] {
            assert_eq!(status(&tenant(1), CursorKind::Contacts, junk), 400);
        }
    }

    #[test]
    fn an_old_token_is_gone() {
        let old = Cursor { kind: CursorKind::Contacts, expires: 0, place: 42_u32 };
        let mut bytes = serde_json::to_vec(&old).unwrap();
        let signature = mac(&tenant(1), &bytes).finalize().into_bytes();
        bytes.extend(signature.iter().take(SIGNATURE_BYTES));
        assert_eq!(status(&tenant(1), CursorKind::Contacts, &BASE64_URL_SAFE_NO_PAD.encode(bytes)), 410);
    }
}
