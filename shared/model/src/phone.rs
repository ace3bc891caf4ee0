use serde::{Deserialize, Serialize};

use crate::Invalid;

/// Longest phone text that is kept, in characters.
const MAX_PHONE_CHARS: usize = 100;

/// Keeps a phone number as it was typed and, where that is unambiguous, as E.164.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// What the person or the file gave, trimmed.
    pub typed: String,
    /// The same number in E.164, when it parses as a valid international one.
    pub e164: Option<String>,
}

impl Phone {
    /// Reads a phone number; only blank or overlong text is refused.
    ///
    /// # Errors
    /// `too_long` past 100 characters.
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        let phone = Self::as_typed(typed)?;
        Ok(Self { e164: e164(&phone.typed), ..phone })
    }

    /// Reads a phone number and does not look for its E.164, which takes longer than the rest of a
    /// row.
    ///
    /// # Errors
    /// As of [`Self::parse`].
    pub fn as_typed(typed: &str) -> Result<Self, Invalid> {
        let typed = typed.trim();
        let chars = typed.chars().count();
        if chars > MAX_PHONE_CHARS {
            return Err(Invalid::too_long(MAX_PHONE_CHARS, chars));
        }
        Ok(Self { typed: typed.to_owned(), e164: None })
    }
}

/// Without the leading `+` a number means something else in each country, so it is not guessed.
fn e164(typed: &str) -> Option<String> {
    if !typed.starts_with('+') {
        return None;
    }
    let number = phonenumber::parse(None, typed).ok().filter(phonenumber::is_valid)?;
    Some(number.format().mode(phonenumber::Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_international_number_is_also_kept_as_e164() {
        let phone = Phone::parse(" +1 (415) 555-0100 ").unwrap();
        assert_eq!(phone.typed, "+1 (415) 555-0100");
        assert_eq!(phone.e164.as_deref(), Some("+14155550100"));
    }

    #[test]
    fn as_typed_the_same_texts_are_refused() {
        for typed in ["+1 415 555 0100", "call me", " ", &"+1".repeat(51), &"+1".repeat(50)] {
            let parsed = Phone::parse(typed).map(|phone| phone.typed);
            assert_eq!(Phone::as_typed(typed).map(|phone| phone.typed), parsed);
        }
        assert_eq!(Phone::as_typed("+14155550100").unwrap().e164, None);
    }

    #[test]
    fn a_number_without_its_country_is_not_guessed() {
        assert_eq!(Phone::parse("01835-703597").unwrap().e164, None);
        assert_eq!(Phone::parse("call me").unwrap().e164, None);
    }
}
