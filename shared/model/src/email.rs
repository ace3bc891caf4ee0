//! Addresses and their identity.
//!
//! Two spellings are one address when their normal forms are equal. The rules in the order in
//! which they are applied; each has rows of its own in the tests below:
//!
//! | class | rule |
//! |---|---|
//! | invisible format characters (zero-width space, byte order mark, soft hyphen, word joiner, direction marks) | dropped wherever they stand: files and web pages leave them behind, and nobody can see them |
//! | white space | dropped at both ends (no-break and ideographic too), refused inside |
//! | full-width ASCII (`ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ`) | read as ASCII: an input method made it |
//! | Unicode spelling | NFC, so that composed and decomposed accents are one |
//! | no `@`, nothing before or behind it, a second one | refused |
//! | local part: case | lower case of the whole, so `Σ` at the end is `ς`; `ẞ` is `ß` and never `ss`; dotless `ı` stays apart from `i` |
//! | local part: characters | letters and digits of any script, `.` and ``!#$%&'*+/=?^_`{|}~-``; plus tags and dots are kept, because only the receiving host knows whether they matter |
//! | local part: dots | refused at its start, at its end and side by side |
//! | local part: quoted (`"john doe"@…`), comments (`jane(work)@…`) | refused: hardly a host has such a mailbox, hardly a sender can write to it, and each has endless spellings |
//! | local part: control characters, joiners, U+FFFD | refused: unseen, or the trace of a damaged encoding |
//! | local part: length | at most 64 bytes of UTF-8 |
//! | domain: international names | become their A-label by UTS 46, so `müller.de` and `xn--mller-kva.de` are one; `ß` and `ss` are two domains; a malformed A-label is refused |
//! | domain: lookalikes of other scripts | stay another domain, and the A-label shows it |
//! | domain: characters | letters, digits and hyphens; no underscore, and no hyphen at an end of a label |
//! | domain: dots | two labels at least (`localhost` is refused), none empty, so no dot at the start, at the end or side by side |
//! | domain: addresses of machines (`[127.0.0.1]`, `127.0.0.1`) | refused |
//! | domain: length | at most 63 bytes a label and 253 as a whole, as A-labels |
//! | whole length | at most 255 characters of the normal form |
//!
//! What was typed is kept beside the normal form for display.

use std::borrow::Cow;
use std::fmt;

use email_address::{EmailAddress, Options};
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::Invalid;

/// Longest normal form that is kept, in characters.
pub const MAX_EMAIL_CHARS: usize = 255;
/// RFC 5321, section 4.5.3.1.1.
const MAX_LOCAL_BYTES: usize = 64;

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
        // Refused before any work: normalising a megabyte is not free.
        if trimmed.chars().nth(MAX_EMAIL_CHARS * 2).is_some() {
            return Err(too_long());
        }
        let visible = visible(trimmed);
        let visible = visible.trim();
        if visible.is_empty() {
            return Err(Invalid::new("missing_email", "an email address is required"));
        }
        let Some((local, domain)) = visible.rsplit_once('@') else {
            return Err(invalid("there is no `@`; give an address such as `jane@example.com`"));
        };
        let domain = Uts46::new()
            .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
            .map_err(|_| invalid("the part behind the `@` is no valid domain"))?;
        check_domain(&domain)?;
        let local = if local.is_ascii() {
            local.to_ascii_lowercase()
        } else {
            // Lower-casing can decompose (`İ`), so compose once more.
            local.to_lowercase().nfc().collect()
        };
        check_local(&local)?;
        let normal = format!("{local}@{domain}");
        if normal.chars().count() > MAX_EMAIL_CHARS {
            return Err(too_long());
        }
        // What was checked above gets the clearer words; the last word is the parser's. It knows the
        // letters of all scripts, but not the marks that some of them carry.
        let letters: String = normal.chars().filter(|c| !is_combining_mark(*c)).collect();
        let options =
            Options::default().with_minimum_sub_domains(2).without_display_text().without_domain_literal();
        EmailAddress::parse_with_options(&letters, options)
            .map_err(|fault| invalid(fault.to_string().to_lowercase().trim_end_matches('.')))?;
        Ok(Self(normal))
    }

    /// Gives the normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Composes, drops what nobody sees, and reads full-width ASCII as ASCII.
fn visible(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    // Dropped first: an unseen character between a letter and its accent keeps them apart.
    text.chars().filter(|c| !is_format(*c)).map(narrow).nfc().collect::<String>().into()
}

/// Tells characters that have no look and, in an address, no meaning. The joiners U+200C and
/// U+200D are not among them: they tell some international domains apart.
fn is_format(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206f}'
            | '\u{feff}'
    )
}

fn narrow(c: char) -> char {
    // U+FF01 to U+FF5E are `!` to `~`, in their order.
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xff01 + 0x21).unwrap_or(c),
        other => other,
    }
}

fn check_domain(domain: &str) -> Result<(), Invalid> {
    let Some((_, last)) = domain.rsplit_once('.') else {
        return Err(invalid("the part behind the `@` needs a dot, as in `example.com`"));
    };
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("the part behind the `@` is the number of a machine; give its domain"));
    }
    Ok(())
}

fn check_local(local: &str) -> Result<(), Invalid> {
    if local.is_empty() {
        return Err(invalid("there is nothing before the `@`"));
    }
    if local.len() > MAX_LOCAL_BYTES {
        return Err(invalid(&format!("the part before the `@` has more than {MAX_LOCAL_BYTES} bytes")));
    }
    if let Some(c) = local.chars().find(|c| !may_stand_before_the_at(*c)) {
        return Err(invalid(&match c {
            '@' => "there is more than one `@`".to_owned(),
            c if c.is_whitespace() => "the part before the `@` holds white space".to_owned(),
            c if c.is_ascii_graphic() => format!("`{c}` cannot stand before the `@`"),
            _ => "the part before the `@` holds an invisible or damaged character".to_owned(),
        }));
    }
    if local.split('.').any(str::is_empty) {
        return Err(invalid("a dot before the `@` stands between other characters"));
    }
    Ok(())
}

fn may_stand_before_the_at(c: char) -> bool {
    match c {
        '.' | '!' | '#'..='\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^'..='`' | '{'..='~' => true,
        '\u{200c}' | '\u{200d}' | char::REPLACEMENT_CHARACTER => false,
        c if c.is_ascii() => c.is_ascii_alphanumeric(),
        c => !c.is_control() && !c.is_whitespace(),
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

    fn code(typed: &str) -> &'static str {
        Email::parse(typed).expect_err(typed).code
    }

    /// What is kept, in the order of the table above.
    #[test]
    fn each_class_of_spellings_has_its_normal_form() {
        let long_domain = format!("{0}.{0}.{0}.{1}", "d".repeat(63), "e".repeat(61));
        assert_eq!(long_domain.len(), 253);
        let (whole, local) = (format!("j@{long_domain}"), format!("{}@example.com", "é".repeat(32)));
        for (typed, normal) in [
            ("ja\u{200b}ne\u{feff}@ex\u{ad}ample.com\u{202c}", "jane@example.com"),
            ("\u{feff} jane@example.com", "jane@example.com"),
            ("e\u{200b}\u{301}@example.com", "é@example.com"),
            ("\tJane@Example.COM\n", "jane@example.com"),
            ("\u{a0}jane@example.com\u{3000}", "jane@example.com"),
            ("ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ", "jane@example.com"),
            ("jane@example。com", "jane@example.com"),
            ("Andre\u{301}@example.com", "andré@example.com"),
            ("\u{212a}@example.com", "k@example.com"),
            ("ΟΔΟΣ@example.com", "οδος@example.com"),
            ("STRAẞE@example.com", "straße@example.com"),
            ("Strasse@example.com", "strasse@example.com"),
            ("ıI@example.com", "ıi@example.com"),
            ("İ@example.com", "i\u{307}@example.com"),
            ("a.b+c@gmail.com", "a.b+c@gmail.com"),
            ("!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"),
            ("田中@example.com", "田中@example.com"),
            ("j\u{430}ne@example.com", "j\u{430}ne@example.com"),
            (local.as_str(), local.as_str()),
            ("jane@Bücher.example", "jane@xn--bcher-kva.example"),
            ("JANE@XN--BCHER-KVA.example", "jane@xn--bcher-kva.example"),
            ("jane@faß.de", "jane@xn--fa-hia.de"),
            ("jane@FAẞ.de", "jane@xn--fa-hia.de"),
            ("jane@fass.de", "jane@fass.de"),
            ("jane@ex\u{430}mple.com", "jane@xn--exmple-4nf.com"),
            ("jane@my--shop.example", "jane@my--shop.example"),
            (whole.as_str(), whole.as_str()),
        ] {
            assert_eq!(Email::parse(typed).expect(typed).as_str(), normal, "{typed:?}");
        }
    }

    /// What is refused, in the order of the table above.
    #[test]
    fn each_class_of_what_is_no_address_is_refused_with_a_code() {
        let label = format!("jane@{}.com", "d".repeat(64));
        let domain = format!("j@{0}.{0}.{0}.{1}", "d".repeat(63), "e".repeat(62));
        let local = format!("{}a@example.com", "é".repeat(32));
        for typed in [
            "jane doe@example.com",
            "jane\u{a0}doe@example.com",
            "jane@exa mple.com",
            "jane",
            "jane@",
            "@example.com",
            "jane@@example.com",
            "jane@x@example.com",
            ".jane@example.com",
            "jane.@example.com",
            "jane..doe@example.com",
            "\"john doe\"@example.com",
            "\"john\"@example.com",
            "jane(work)@example.com",
            "jane@(work)example.com",
            "Jane <jane@example.com>",
            "mailto:jane@example.com",
            "a@example.com ::: b@example.com",
            "jane\u{0}@example.com",
            "ja\tne@example.com",
            "jane\u{85}x@example.com",
            "ja\u{200d}ne@example.com",
            "j\u{fffd}rgen@example.com",
            "jane@exam\u{7}ple.com",
            local.as_str(),
            "jane@xn--a.example",
            "jane@ex_ample.com",
            "jane@-example.com",
            "jane@example-.com",
            "jane@localhost",
            "jane@.example.com",
            "jane@example.com.",
            "jane@example..com",
            "jane@[127.0.0.1]",
            "jane@[IPv6:::1]",
            "jane@127.0.0.1",
            label.as_str(),
            domain.as_str(),
        ] {
            assert_eq!(code(typed), "invalid_email", "{typed:?}");
        }
        for blank in ["", "   ", "\u{200b}\u{feff} "] {
            assert_eq!(code(blank), "missing_email", "{blank:?}");
        }
        assert_eq!(code(&format!("ja@{0}.{0}.{0}.{1}", "d".repeat(63), "e".repeat(61))), "email_too_long");
        assert_eq!(code(&format!("jane@{}", "x".repeat(1_000_000))), "email_too_long");
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(typed in hostile()) {
            if let Ok(email) = Email::parse(&typed) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic_and_what_is_kept_is_in_its_limits(typed in any::<String>()) {
            if let Ok(email) = Email::parse(&typed) {
                let (local, domain) = email.as_str().rsplit_once('@').expect("an `@`");
                prop_assert!(local.len() <= MAX_LOCAL_BYTES && domain.len() <= 253 && domain.is_ascii());
            }
        }
    }

    /// Makes addresses of characters that case, composition and mapping change.
    fn hostile() -> impl Strategy<Value = String> {
        let local = "[aZéßẞıİΣσςK\u{212b}\u{300}\u{301}\u{307}\u{327}\u{345}ﬁǅŉΐ🙂ｊＺ．＠。\u{200b}\u{200d}\u{feff}\u{ad}.@_+-]{1,10}|\\PC{1,12}";
        let domain = "[a-zA-ZäßẞéıİΣς\u{301}\u{200d}\u{430}ﬁｅ0-9-]{1,12}[.．。](com|DE|рф|ｃｏｍ)";
        (local, domain).prop_map(|(local, domain)| format!("{local}@{domain}"))
    }
}
