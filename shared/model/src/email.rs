//! Addresses and their identity.
//!
//! Two spellings are one address when their normal forms are equal: trimmed, NFC, lower case,
//! the domain as its A-label (`müller.de` is `xn--mller-kva.de`). Plus tags and dots are kept,
//! because only the receiving host knows whether they matter.

use std::fmt;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::Invalid;

/// Longest normal form that is kept, in characters.
pub const MAX_EMAIL_CHARS: usize = 255;

/// Holds the normal form of an address: what makes it unique in its tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// Normalises and checks what a person or a file gave.
    ///
    /// # Errors
    /// `missing_email` for blank text, `email_too_long`, or `invalid_email` with the reason.
    ///
    /// # Examples
    /// ```
    /// let email = model::Email::parse(" Jane.Doe+News@Müller.DE ").unwrap();
    /// assert_eq!(email.as_str(), "jane.doe+news@xn--mller-kva.de");
    /// ```
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        let trimmed = typed.trim();
        if trimmed.is_empty() {
            return Err(Invalid::new("missing_email", "an email address is required"));
        }
        // Refused before any work: normalising a megabyte is not free.
        if trimmed.chars().nth(MAX_EMAIL_CHARS * 2).is_some() {
            return Err(too_long());
        }
        let composed: String = trimmed.nfc().collect();
        let Some((local, domain)) = composed.rsplit_once('@') else {
            return Err(invalid("there is no `@`; give an address such as `jane@example.com`"));
        };
        let domain = idna::domain_to_ascii_strict(domain)
            .map_err(|_| invalid("the part behind the `@` is no valid domain"))?;
        // Lower-casing can decompose (`İ`), so compose once more.
        let local: String = local.to_lowercase().nfc().collect();
        let normal = format!("{local}@{domain}");
        if normal.chars().count() > MAX_EMAIL_CHARS {
            return Err(too_long());
        }
        let options =
            Options::default().with_minimum_sub_domains(2).without_display_text().without_domain_literal();
        EmailAddress::parse_with_options(&normal, options)
            .map_err(|fault| invalid(fault.to_string().to_lowercase().trim_end_matches('.')))?;
        Ok(Self(normal))
    }

    /// Gives the normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn invalid(reason: &str) -> Invalid {
    Invalid::new("invalid_email", format!("this is no email address: {reason}"))
}

fn too_long() -> Invalid {
    Invalid::new("email_too_long", format!("an email address has at most {MAX_EMAIL_CHARS} characters"))
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Email {
    type Error = Invalid;

    fn try_from(typed: String) -> Result<Self, Invalid> {
        Self::parse(&typed)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(typed: &str) -> String {
        Email::parse(typed).expect(typed).to_string()
    }

    #[test]
    fn spellings_of_one_address_have_one_normal_form() {
        assert_eq!(normal("\tJane@Example.COM\n"), "jane@example.com");
        assert_eq!(normal("jane@bücher.example"), normal("JANE@xn--bcher-kva.example"));
        assert_eq!(normal("Andre\u{301}@example.com"), normal("andré@example.com"));
    }

    #[test]
    fn plus_tags_and_dots_are_kept() {
        assert_eq!(normal("a.b+c@gmail.com"), "a.b+c@gmail.com");
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_code() {
        for (typed, code) in [
            ("", "missing_email"),
            ("   ", "missing_email"),
            ("jane", "invalid_email"),
            ("jane@", "invalid_email"),
            ("@example.com", "invalid_email"),
            ("jane@localhost", "invalid_email"),
            ("jane@exa mple.com", "invalid_email"),
            ("Zsa Zsa.Lipson@mailmail.com", "invalid_email"),
            ("jane@@example.com", "invalid_email"),
            ("jane..doe@example.com", "invalid_email"),
            ("Jane <jane@example.com>", "invalid_email"),
            ("jane@[127.0.0.1]", "invalid_email"),
            ("jane\u{0}@example.com", "invalid_email"),
            ("jane@-example.com", "invalid_email"),
        ] {
            assert_eq!(Email::parse(typed).expect_err(typed).code, code, "{typed:?}");
        }
        let long = format!("{}@{}.com", "a".repeat(60), "b.".repeat(120));
        assert!(Email::parse(&long).is_err());
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(typed in "\\PC{1,12}@[a-zA-Zäßé0-9-]{1,12}\\.[a-z]{2,4}") {
            if let Ok(email) = Email::parse(&typed) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
            }
        }
    }
}
