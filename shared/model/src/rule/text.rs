//! How texts compare: by one normal form, for values and for what a rule asks alike.
//!
//! The normal form of a text is made in this order:
//! 1. NFKD, so that `ﬁ`, `ｆ` and `①` are `fi`, `f` and `1`, and accents stand apart from letters;
//! 2. full case folding, so that `Straße`, `STRASSE` and `strasse` are one (the Turkish dotless
//!    `ı` stays apart from `i`);
//! 3. accents are stripped: marks above, below and attached to a letter, Hebrew points and Arabic
//!    vowel signs, by their canonical combining class. Marks that make another letter stay:
//!    Japanese voicing (`が` is not `か`), Indic and Thai vowel signs, strokes through a sign (`≠`);
//! 4. what cannot be seen is dropped: control characters and Unicode's default ignorables
//!    (zero-width space and joiners, soft hyphen, direction marks, variation selectors);
//! 5. NFKC;
//! 6. runs of white space become one space, and none is left at the ends.
//!
//! So `is`, `in`, `starts_with`, `ends_with` and `contains` look at whole normal forms: `contains`
//! finds any run of characters, also within and across words.
//!
//! **Words** of a text are the words of its normal form as Unicode cuts them (UAX 29: `o'brien` and
//! `example.com` are one, `jean-luc` is two), each by its first 40 bytes, and the first 16 different
//! ones of a text: what an index can keep.
//!
//! A *bare word* of a query is cut at white space into pieces, and each piece has to be found: all
//! its words as the start of words of `first_name`, `last_name` and `company` taken together, or
//! else the piece as the start of the email address. An address counts as one word, in its own
//! normal form ([`crate::Email`]). So `jan do`, `"do jan"` and `jane.d` find Jane Doe at
//! `jane.doe@example.com`, and `doe@example` does not.

use std::sync::LazyLock;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_properties::props::DefaultIgnorableCodePoint;
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_segmentation::UnicodeSegmentation;

use crate::Email;

/// A word counts by this many bytes.
pub const MAX_WORD_BYTES: usize = 40;
/// A text has this many words at most.
pub const MAX_WORDS: usize = 16;

const FOLDING: CaseMapperBorrowed<'static> = CaseMapper::new();
static IGNORABLE: LazyLock<CodePointSetDataBorrowed<'static>> =
    LazyLock::new(CodePointSetData::new::<DefaultIgnorableCodePoint>);

/// Gives the form in which texts compare.
///
/// # Examples
/// ```
/// use model::rule::text::normal_form;
/// assert_eq!(normal_form("  Zoë\u{a0} STRAßE "), "zoe strasse");
/// ```
pub fn normal_form(text: &str) -> String {
    if text.is_ascii() {
        let visible = text.chars().filter(|c| !is_dropped(*c)).map(|c| c.to_ascii_lowercase());
        return collapsed(visible);
    }
    let decomposed: String = text.nfkd().collect();
    let folded = FOLDING.fold_string(&decomposed);
    let kept = folded.nfkd().filter(|c| !is_dropped(*c) && !is_accent(*c));
    collapsed(kept.nfkc())
}

fn is_dropped(c: char) -> bool {
    (c.is_control() && !c.is_whitespace()) || (!c.is_ascii() && IGNORABLE.contains(c))
}

fn is_accent(c: char) -> bool {
    // 10 to 35 are Hebrew points and Arabic vowel signs; from 200 on a class says where an
    // accent is put.
    matches!(canonical_combining_class(c), 10..=35 | 200..)
}

fn collapsed(chars: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    for c in chars {
        if !c.is_whitespace() {
            text.push(c);
        } else if !text.is_empty() && !text.ends_with(' ') {
            text.push(' ');
        }
    }
    if text.ends_with(' ') {
        text.pop();
    }
    text
}

/// Cuts a text into the words that bare words are compared with.
pub fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in normal_form(text).unicode_words() {
        let (word, _) = word.split_at(word.floor_char_boundary(MAX_WORD_BYTES));
        if words.len() < MAX_WORDS && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// Is one piece of the bare words of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What words of the names and the company have to start with; of no words none is found.
    pub words: Vec<String>,
    /// What the address may start with instead.
    pub email: String,
}

/// Cuts bare words into pieces.
pub fn pieces(text: &str) -> Vec<Piece> {
    let piece = |piece: &str| Piece {
        words: words(piece),
        email: Email::parse(piece)
            .map_or_else(|_| piece.nfc().collect::<String>().to_lowercase(), |email| email.to_string()),
    };
    text.split_whitespace().map(piece).collect()
}

impl Piece {
    /// Tells whether the piece is found among words or at the start of an address.
    pub fn is_found(&self, among: &[String], email: &Email) -> bool {
        let starts_one = |word: &String| among.iter().any(|known| known.starts_with(word.as_str()));
        (!self.words.is_empty() && self.words.iter().all(starts_one))
            || email.as_str().starts_with(&self.email)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_take_for_the_same_text_has_one_normal_form() {
        for (text, expected) in [
            ("Jane", "jane"),
            ("  a \t\n b  ", "a b"),
            ("Zoë", "zoe"),
            ("Zoe\u{308}", "zoe"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("ﬁne", "fine"),
            ("ＡＢＣ①", "abc1"),
            ("İstanbul", "istanbul"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("Việt Nam", "viet nam"),
            ("ЁЛКА", "елка"),
            ("a\u{200b}b\u{ad}c\u{0}d", "abcd"),
            ("❤\u{fe0f}", "❤"),
            ("שָׁלוֹם", "שלום"),
            ("", ""),
            ("\u{3000}", ""),
        ] {
            assert_eq!(normal_form(text), expected, "{text:?}");
        }
    }

    #[test]
    fn marks_that_make_another_letter_stay() {
        for (a, b) in [("が", "か"), ("कि", "क"), ("≠", "="), ("กิ", "ก"), ("ı", "i"), ("ø", "o")]
        {
            assert_ne!(normal_form(a), normal_form(b));
        }
    }

    #[test]
    fn words_are_cut_as_unicode_does() {
        assert_eq!(words("Jean-Luc O’Brien, example.com"), ["jean", "luc", "o’brien", "example.com"]);
        assert_eq!(words("& — !"), Vec::<String>::new());
        assert_eq!(words("no no maybe"), ["no", "maybe"]);
        let many: String = (0..20).map(|n| format!("{n} ")).collect();
        assert_eq!(words(&many).len(), MAX_WORDS);
        assert_eq!(words(&"ж".repeat(30)), ["ж".repeat(20)]);
    }

    #[test]
    fn every_character_has_a_settled_normal_form() {
        for c in '\0'..=char::MAX {
            let once = normal_form(&format!("x{c}y"));
            assert_eq!(normal_form(&once), once, "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own(text in "\\PC{0,20}|[a-zß\u{300}-\u{345}\u{5b0}\u{3099}\u{1100}-\u{1200}Ᾰ ]{0,12}") {
            let once = normal_form(&text);
            prop_assert_eq!(normal_form(&once), once);
        }
    }
}
