//! What several of the endpoints read or make.

use api::Members;
use model::Invalid;
use serde_json::Value;
use store::StoreError;

pub(crate) const MAX_NAME_CHARS: usize = 200;

/// Reads a name to people.
pub(crate) fn name(value: Value) -> Result<String, Invalid> {
    match value {
        Value::String(name) if (1..=MAX_NAME_CHARS).contains(&name.trim().chars().count()) => {
            Ok(name.trim().to_owned())
        }
        _ => Err(Invalid::new("invalid_name", format!("give 1 to {MAX_NAME_CHARS} characters"))),
    }
}

/// Takes the name that must be there.
pub(crate) fn required_name(members: &mut Members) -> Option<String> {
    let value = members.require("name")?;
    name(value).map_err(|invalid| members.fault("name", invalid)).ok()
}

/// Reads true or false.
pub(crate) fn boolean(value: Value) -> Result<bool, Invalid> {
    value.as_bool().ok_or_else(|| Invalid::new("wrong_type", "give `true` or `false`"))
}

/// Makes a key of 256 random bits.
pub(crate) fn new_key() -> Result<String, StoreError> {
    Ok(format!("lk_{}", hex::encode(random()?)))
}

pub(crate) fn random() -> Result<[u8; 32], StoreError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| StoreError::Refused(Box::new(e)))?;
    Ok(bytes)
}
