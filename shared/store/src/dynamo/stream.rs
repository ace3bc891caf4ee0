//! What the stream of the contacts table tells.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue as Value;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::{Contact, Email, Standing, TenantId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Item;
use super::contact_item::{INDEXED_BY_IMPORT, standing};
use crate::StoreError;

/// Is one change of what stands at an address.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactRecord {
    /// Whose address.
    pub tenant: TenantId,
    /// The contact that stood there before, if one did.
    pub before: Option<Contact>,
    /// The contact that stands there since, if one does.
    pub after: Option<Contact>,
}

impl ContactRecord {
    /// Reads the `dynamodb` member of a stream's record, with both images.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] for what is no record of the contacts table.
    pub fn read(change: &RawValue) -> Result<Self, StoreError> {
        // Not serde's own text: it may quote the item.
        let change = serde_json::from_str(change.get()).map_err(|_| malformed())?;
        let Change { keys, old_image, new_image } = change;
        let shard = match keys.get("tenant") {
            Some(Attribute::S(shard)) => shard,
            _ => return Err(malformed()),
        };
        let tenant = shard.split_once('#').and_then(|(tenant, _)| Uuid::parse_str(tenant).ok());
        let tenant = TenantId(tenant.ok_or_else(malformed)?);
        Ok(Self { tenant, before: contact(old_image)?, after: contact(new_image)? })
    }
}

/// Tells, at a glance, whether a record is the birth of a contact that its import indexes by itself:
/// of a million of them nothing else is read.
pub fn is_indexed_by_import(change: &RawValue) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Glance {
        old_image: Option<Known>,
        new_image: Option<Known>,
    }
    #[derive(Deserialize)]
    struct Known {
        id: Option<IgnoredAny>,
        ver: Option<Attribute>,
        src: Option<Attribute>,
    }
    let Ok(Glance { old_image, new_image: Some(new) }) = serde_json::from_str(change.get()) else {
        return false;
    };
    let is_birth = old_image.is_none_or(|old| old.id.is_none())
        && matches!(new.ver, Some(Attribute::N(version)) if version == "1");
    // The tag byte is in the first of the fours.
    let tag = || match &new.src {
        Some(Attribute::B(origin)) => BASE64_STANDARD.decode(origin.get(..4)?).ok(),
        _ => None,
    };
    is_birth && tag().is_some_and(|bytes| bytes.starts_with(&[INDEXED_BY_IMPORT]))
}

fn contact(image: Option<HashMap<String, Attribute>>) -> Result<Option<Contact>, StoreError> {
    let Some(image) = image else { return Ok(None) };
    let item = image.into_iter().map(|(name, value)| Ok((name, value.try_into()?)));
    let item: Item = item.collect::<Result<_, StoreError>>()?;
    // A tombstone may have none.
    let Some(Value::S(email)) = item.get("email") else { return Ok(None) };
    let email = Email::parse(email).map_err(|_| malformed())?;
    Ok(match standing(&item, &email)? {
        Standing::Held(contact) => Some(*contact),
        Standing::Suppressed(_) | Standing::Free => None,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    keys: HashMap<String, Attribute>,
    old_image: Option<HashMap<String, Attribute>>,
    new_image: Option<HashMap<String, Attribute>>,
}

/// Is a value as DynamoDB spells it in JSON, of the types that contacts have.
#[derive(Deserialize)]
enum Attribute {
    S(String),
    N(String),
    B(String),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "SS")]
    Ss(Vec<String>),
    #[serde(rename = "NS")]
    Ns(Vec<String>),
}

impl TryFrom<Attribute> for Value {
    type Error = StoreError;

    fn try_from(attribute: Attribute) -> Result<Self, StoreError> {
        Ok(match attribute {
            Attribute::S(text) => Self::S(text),
            Attribute::N(number) => Self::N(number),
            Attribute::B(base64) => {
                Self::B(Blob::new(BASE64_STANDARD.decode(base64).map_err(|_| malformed())?))
            }
            Attribute::Bool(value) => Self::Bool(value),
            Attribute::Ss(texts) => Self::Ss(texts),
            Attribute::Ns(numbers) => Self::Ns(numbers),
        })
    }
}

fn malformed() -> StoreError {
    StoreError::Malformed("a record of the contacts' stream is of another form".to_owned())
}
