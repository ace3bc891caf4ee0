//! Terms: what a posting is about, as bytes that sort as the values do.
//!
//! Texts come in the normal form that rules compare by: without control characters, so that no
//! term holds the zero byte that ends it in a key.

use sha2::{Digest, Sha256};

/// Longer values are cut, and a hash of the whole tells them apart.
const MAX_VALUE_BYTES: usize = 96;
const CUT_BYTES: usize = 80;
const HASH_BYTES: usize = MAX_VALUE_BYTES - CUT_BYTES;

/// The first byte parts the kinds, so that a range of one meets no other.
const VALUE: u8 = 1;
const BOOLEAN: u8 = 2;
const PRESENT: u8 = 3;

/// Is what a set of contacts has in common in one field.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term(Vec<u8>);

impl Term {
    /// Makes the term of a whole text in its normal form. One that is too long for a key keeps its
    /// start, for prefixes, and whoever finds it compares the rest: see [`Self::is_cut`].
    pub fn value(normal: &str) -> Self {
        if normal.len() <= MAX_VALUE_BYTES {
            return Self::tagged(VALUE, normal.as_bytes());
        }
        let start = start_of(normal, CUT_BYTES).as_bytes();
        let hash = Sha256::digest(normal.as_bytes());
        // The high bit keeps the zero byte out, and the hash apart from ASCII.
        let hash = hash.iter().take(HASH_BYTES).map(|byte| byte | 0x80);
        Self::tagged(VALUE, &start.iter().copied().chain(hash).collect::<Vec<_>>())
    }

    /// Makes the term of a truth value.
    pub fn boolean(value: bool) -> Self {
        Self::tagged(BOOLEAN, &[u8::from(value) + 1])
    }

    /// Makes the term of whoever has any value.
    pub fn present() -> Self {
        Self::tagged(PRESENT, &[])
    }

    /// Tells whether other values may have the same term, so that a contact must be looked at.
    pub fn is_cut(normal: &str) -> bool {
        normal.len() > MAX_VALUE_BYTES
    }

    /// Reads the whole value out of a term's bytes; none where it was too long, or may have been.
    pub(crate) fn whole_value(bytes: &[u8]) -> Option<&str> {
        let (_, value) = bytes.split_first().filter(|(kind, _)| **kind == VALUE)?;
        if value.len() == MAX_VALUE_BYTES { None } else { std::str::from_utf8(value).ok() }
    }

    /// Gives what people can read of it; of a value that was cut, its start.
    pub(crate) fn text(&self) -> String {
        match self.0.split_first() {
            Some((&VALUE, value)) if value.len() == MAX_VALUE_BYTES => {
                // The hash is no text, and the cut is between characters.
                let start = value.utf8_chunks().next().map_or("", |chunk| chunk.valid());
                format!("{}…", start_of(start, CUT_BYTES))
            }
            Some((&VALUE, value)) => String::from_utf8_lossy(value).into_owned(),
            Some((&BOOLEAN, value)) => (value == [2]).to_string(),
            _ => String::new(),
        }
    }

    /// Gives the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Gives what the keys of every value's term begin with.
    pub(crate) fn values() -> Vec<u8> {
        vec![VALUE]
    }

    /// Gives what the keys of this term, and of no other, begin with.
    pub fn prefix(&self) -> Vec<u8> {
        [&self.0[..], &[0]].concat()
    }

    /// Makes the term whose bytes these are, out of a key.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    fn tagged(kind: u8, bytes: &[u8]) -> Self {
        Self([&[kind], bytes].concat())
    }
}

/// Gives as many whole characters as fit.
fn start_of(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_values_with_the_same_start_have_different_terms() {
        let [a, b] = ["a", "b"].map(|end| format!("{}{end}", "x".repeat(MAX_VALUE_BYTES)));
        assert!(Term::is_cut(&a));
        assert_ne!(Term::value(&a), Term::value(&b));
        assert_eq!(Term::value(&a).as_bytes().len(), 1 + MAX_VALUE_BYTES);
    }

    proptest! {
        #[test]
        fn terms_sort_as_their_texts_do_and_hold_no_zero_byte(a in "\\PC{0,60}", b in "\\PC{0,60}") {
            let (term_a, term_b) = (Term::value(&a), Term::value(&b));
            prop_assert!(!term_a.as_bytes().contains(&0));
            if !Term::is_cut(&a) && !Term::is_cut(&b) {
                prop_assert_eq!(term_a.cmp(&term_b), a.as_bytes().cmp(b.as_bytes()));
            }
        }

        #[test]
        fn the_term_of_a_text_begins_with_that_of_its_short_starts(text in "\\PC{0,200}", chars in 0usize..20) {
            let start: String = text.chars().take(chars).collect();
            prop_assert!(Term::value(&text).as_bytes().starts_with(Term::value(&start).as_bytes()));
        }
    }
}
