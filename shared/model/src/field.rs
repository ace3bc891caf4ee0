//! What custom fields are called, and what their values are stored under.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AttributeType, Invalid};

/// Names a stored attribute: its type's letter and a number, such as `n12`.
///
/// The type is part of the id, so that a contact item can be read without the list of fields;
/// a field that changes its type gets a new id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldId {
    /// The type of every value stored under this id.
    pub kind: AttributeType,
    /// Counts the tenant's fields.
    pub number: u32,
}

impl fmt::Display for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.kind {
            AttributeType::Text => 't',
            AttributeType::Number => 'n',
            AttributeType::Date => 'd',
            AttributeType::Boolean => 'b',
        };
        write!(f, "{letter}{}", self.number)
    }
}

impl FromStr for FieldId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let malformed = || Invalid::new("invalid_field_id", format!("`{text}` is no field id"));
        let mut chars = text.chars();
        let kind = match chars.next() {
            Some('t') => AttributeType::Text,
            Some('n') => AttributeType::Number,
            Some('d') => AttributeType::Date,
            Some('b') => AttributeType::Boolean,
            _ => return Err(malformed()),
        };
        let number = chars.as_str().parse().map_err(|_| malformed())?;
        Ok(Self { kind, number })
    }
}

impl TryFrom<String> for FieldId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<FieldId> for String {
    fn from(id: FieldId) -> Self {
        id.to_string()
    }
}

/// Names a custom field to programs: lower case, everything but letters and digits as `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldSlug(String);

impl FieldSlug {
    const MAX_CHARS: usize = 100;

    /// Makes a slug of a name; a name without a letter or digit has none.
    ///
    /// # Examples
    /// ```
    /// let slug = model::FieldSlug::from_name("Subscription Date").unwrap();
    /// assert_eq!(slug.as_str(), "subscription_date");
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in name.chars().flat_map(char::to_lowercase) {
            if c.is_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('_') {
                slug.push('_');
            }
        }
        let cut: String = slug.chars().take(Self::MAX_CHARS).collect();
        let slug = cut.trim_end_matches('_');
        (!slug.is_empty()).then(|| Self(slug.to_owned()))
    }

    /// Gives the first of `slug`, `slug_2`, `slug_3` … that is not taken.
    pub fn or_next(self, taken: impl Fn(&Self) -> bool) -> Self {
        if !taken(&self) {
            return self;
        }
        (2_u32..)
            .map(|n| Self(format!("{}_{n}", self.0)))
            .find(|slug| !taken(slug))
            .expect("fewer names are taken than there are numbers")
    }

    /// Gives a name that no field has: that of one which is dropped, while its values are removed.
    pub(crate) fn of_dropped(id: FieldId) -> Self {
        Self(format!("!{id}"))
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_slugs() {
        let slug = |name| FieldSlug::from_name(name).map(|s| s.to_string());
        assert_eq!(slug("Phone 2").as_deref(), Some("phone_2"));
        assert_eq!(slug("  VIP--Status! ").as_deref(), Some("vip_status"));
        assert_eq!(slug("Straße").as_deref(), Some("straße"));
        assert_eq!(slug("!!!"), None);
    }

    #[test]
    fn a_clash_gets_the_next_number() {
        let slug = FieldSlug::from_name("city").unwrap();
        let next = slug.or_next(|s| ["city", "city_2"].contains(&s.as_str()));
        assert_eq!(next.as_str(), "city_3");
    }

    #[test]
    fn an_id_prints_and_parses() {
        let id: FieldId = "n12".parse().unwrap();
        assert_eq!(id, FieldId { kind: AttributeType::Number, number: 12 });
        assert_eq!(id.to_string(), "n12");
        assert!("x1".parse::<FieldId>().is_err());
        assert!("n".parse::<FieldId>().is_err());
    }
}
