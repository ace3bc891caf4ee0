use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;
use crate::rule::Zone;

/// Names a time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ZoneName(String);

impl ZoneName {
    /// Takes the name of a zone that there is, such as `Europe/Berlin`.
    ///
    /// # Errors
    /// `unknown_time_zone`.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        Zone::parse(name).map(|zone| Self(zone.to_string()))
    }

    /// Gives the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ZoneName {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ZoneName {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        Self::parse(&name)
    }
}

impl From<ZoneName> for String {
    fn from(name: ZoneName) -> Self {
        name.0
    }
}

/// Says what becomes of an engagement event whose address has no contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownAddresses {
    /// It waits for a contact for 30 days.
    #[default]
    // What it was called when nothing was parked yet.
    #[serde(alias = "reject")]
    Park,
    /// It makes a contact that is `pending`.
    Create,
}

/// Holds what a tenant decides for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where its days, weeks and months begin.
    pub time_zone: ZoneName,
    /// Whether an attribute that nobody used before becomes a field of the type it looks like.
    pub infer_attributes: bool,
    /// What becomes of events of unknown addresses.
    pub unknown_addresses: UnknownAddresses,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time_zone: ZoneName::default(),
            infer_attributes: true,
            unknown_addresses: UnknownAddresses::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_one_of_the_database_under_its_own_name() {
        for (name, canonical) in [("UTC", "UTC"), ("europe/berlin", "Europe/Berlin")] {
            assert_eq!(ZoneName::parse(name).unwrap().as_str(), canonical);
        }
        for name in ["", "Berlin", "+02:00", "../etc/passwd"] {
            assert_eq!(ZoneName::parse(name).unwrap_err().code, "unknown_time_zone", "{name}");
        }
    }
}
