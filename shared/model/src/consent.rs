use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// Longest consent text that is kept, in characters.
pub const MAX_CONSENT_TEXT_CHARS: usize = 2_000;
const MAX_LABEL_CHARS: usize = 200;

/// Records a person's own agreement to be written to: the one thing that ends a suppression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Where it was given, such as `newsletter-form`.
    pub source: String,
    /// How, such as `double_opt_in` or `paper`.
    pub method: String,
    /// When.
    pub captured_at: DateTime<Utc>,
    /// The words the person agreed to.
    pub text: String,
}

impl Consent {
    /// Checks that the record says something a court could read.
    ///
    /// # Errors
    /// Names the member (`source`, `method`, `text`) that is blank or too long.
    pub fn check(&self) -> Result<(), (&'static str, Invalid)> {
        for (member, value, limit) in [
            ("source", &self.source, MAX_LABEL_CHARS),
            ("method", &self.method, MAX_LABEL_CHARS),
            ("text", &self.text, MAX_CONSENT_TEXT_CHARS),
        ] {
            if value.trim().is_empty() {
                return Err((member, Invalid::new("required", "a consent record needs this")));
            }
            let chars = value.chars().count();
            if chars > limit {
                return Err((member, Invalid::too_long(limit, chars)));
            }
        }
        Ok(())
    }
}
