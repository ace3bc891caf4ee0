//! Where an address lies in the contacts table: under its keyed hash.
//!
//! So one read, and one condition, sees whatever stands there: a contact, or the memory that none
//! must be written to, also the one of an erased person, of which no plain address may be left.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue as Value;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use model::{AddressKey, Email, Tenant, TenantId};

use super::Item;

/// One partition takes 1,000 writes a second; a million rows in five minutes need 3,300.
pub(super) const SHARDS: u8 = 16;
/// Names the sort key.
pub(super) const ADDRESS: &str = "address";

/// Finds the places of a tenant's addresses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    pub(super) tenant: TenantId,
    key: AddressKey,
}

impl Addresses {
    pub(super) fn of(tenant: &Tenant) -> Self {
        Self { tenant: tenant.id, key: tenant.secret.address_key() }
    }

    /// Gives the key of an address.
    pub(super) fn key(&self, email: &Email) -> Item {
        let hash = self.key.hash(email);
        HashMap::from([
            ("tenant".to_owned(), Value::S(self.shard(hash.first().copied().unwrap_or_default() % SHARDS))),
            (ADDRESS.to_owned(), Value::S(BASE64_URL_SAFE_NO_PAD.encode(hash))),
        ])
    }

    /// Names a partition.
    pub(super) fn shard(&self, number: u8) -> String {
        format!("{}#{number}", self.tenant)
    }

    /// Gives what was read at an address.
    pub(super) fn find<'a>(&self, found: &HashMap<&str, &'a Item>, email: &Email) -> Option<&'a Item> {
        let key = self.key(email);
        found.get(key.get(ADDRESS)?.as_s().ok()?.as_str()).copied()
    }
}

/// Sorts what was read by its address.
pub(super) fn by_address(items: &[Item]) -> HashMap<&str, &Item> {
    items.iter().filter_map(|item| Some((item.get(ADDRESS)?.as_s().ok()?.as_str(), item))).collect()
}
