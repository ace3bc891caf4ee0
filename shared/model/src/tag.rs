use serde::{Deserialize, Serialize};

use crate::Invalid;

/// Most tags one contact may carry.
pub const MAX_TAGS: usize = 200;
const MAX_TAG_CHARS: usize = 100;

/// Labels a contact; kept as typed, trimmed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    /// Reads a label.
    ///
    /// # Errors
    /// `invalid_tag` for blank text or control characters, `too_long` past 100 characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(Invalid::new("invalid_tag", "a tag is visible text on one line"));
        }
        let chars = text.chars().count();
        if chars > MAX_TAG_CHARS {
            return Err(Invalid::too_long(MAX_TAG_CHARS, chars));
        }
        Ok(Self(text.to_owned()))
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Tag {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}
