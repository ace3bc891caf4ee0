//! Ids that say where their contact is.
//!
//! A contact gets a per-tenant ordinal at birth, and its id is a UUIDv8 that carries the ordinal:
//! bytes 4 to 15 are random (90 bits beside version and variant), bytes 0 to 3 are the ordinal
//! masked with a keyed hash of them. So reading by id needs no secondary index, and without the
//! tenant's key an id tells nothing and cannot be guessed.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::Invalid;

/// Numbers a contact within its tenant, in order of birth; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ordinal(pub u32);

/// Masks the ordinals in a tenant's ids; derived from the tenant's first secret and never rotated.
#[derive(Clone)]
pub struct IdKey(pub(crate) [u8; 32]);

/// Names a contact for its whole life, also when its email changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContactId(Uuid);

impl ContactId {
    /// Makes the id of a new contact from fresh `random` bytes.
    pub fn new(ordinal: Ordinal, key: &IdKey, random: [u8; 12]) -> Self {
        let mut bytes = [0_u8; 16];
        if let Some(tail) = bytes.last_chunk_mut::<12>() {
            *tail = random;
        }
        // The builder sets version and variant, which lie in the random part the mask is made of.
        let shaped = uuid::Builder::from_custom_bytes(bytes).into_uuid();
        let (_, tail) = split(shaped);
        Self(join(ordinal.0 ^ key.mask(tail), tail))
    }

    /// Reads the ordinal back. For an id that this tenant never gave it is an arbitrary number,
    /// so whoever follows it compares the id found there.
    pub fn ordinal(self, key: &IdKey) -> Ordinal {
        let (masked, tail) = split(self.0);
        Ordinal(masked ^ key.mask(tail))
    }

    /// Reads the spelling of the API.
    ///
    /// # Errors
    /// `invalid_id` when the text is no UUID.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| Invalid::new("invalid_id", "this is no contact id; ids are UUIDs"))
    }

    /// Takes an id as it was stored.
    pub fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// Gives the UUID.
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl IdKey {
    fn mask(&self, tail: [u8; 12]) -> u32 {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        let mac = mac.chain_update(tail).finalize().into_bytes();
        let [a, b, c, d, ..] = <[u8; 32]>::from(mac);
        u32::from_be_bytes([a, b, c, d])
    }
}

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdKey(..)")
    }
}

fn split(id: Uuid) -> (u32, [u8; 12]) {
    let value = id.as_u128();
    let [_, _, _, _, tail @ ..] = value.to_be_bytes();
    ((value >> 96) as u32, tail)
}

fn join(head: u32, tail: [u8; 12]) -> Uuid {
    let mut low = [0_u8; 16];
    if let Some(place) = low.last_chunk_mut::<12>() {
        *place = tail;
    }
    Uuid::from_u128((u128::from(head) << 96) | u128::from_be_bytes(low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_carries_its_ordinal_and_is_a_uuid_v8(ordinal: u32, key: [u8; 32], random: [u8; 12]) {
            let id = ContactId::new(Ordinal(ordinal), &IdKey(key), random);
            prop_assert_eq!(id.ordinal(&IdKey(key)), Ordinal(ordinal));
            prop_assert_eq!(id.as_uuid().get_version_num(), 8);
            prop_assert_eq!(id.as_uuid().get_variant(), uuid::Variant::RFC4122);
            prop_assert_eq!(ContactId::parse(&id.to_string()), Ok(id));
        }
    }

    #[test]
    fn neighbours_have_unlike_ids() {
        let key = IdKey([7; 32]);
        let first = ContactId::new(Ordinal(1), &key, [1; 12]).to_string();
        let second = ContactId::new(Ordinal(2), &key, [2; 12]).to_string();
        assert_ne!(first.get(..8), second.get(..8));
    }
}
