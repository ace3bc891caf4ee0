//! Which characters the bytes of a file are.
//!
//! The rule, over the whole file (unpacked, where it is gzip):
//! 1. A byte order mark decides: UTF-8, UTF-16LE or UTF-16BE.
//! 2. Else, if every other byte of the first line is NUL, it is UTF-16: the NULs are on one side of
//!    at least half of its pairs of bytes (a header may hold a few letters of other scripts), and on
//!    the other side of less than a quarter. They come first in UTF-16BE.
//! 3. Else, if all of it is valid UTF-8, it is UTF-8.
//! 4. Else, if valid sequences of several bytes outnumber the invalid ones, it is UTF-8 with some
//!    damaged rows.
//! 5. Else it is Windows-1252, which includes ISO 8859-1.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};

const CHUNK_BYTES: usize = 64 * 1024;

/// Names the encodings that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

impl Encoding {
    /// Names the encoding as the API does.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// Applies the rules that need only the first bytes.
    pub(crate) fn of_start(sample: &[u8]) -> Option<Self> {
        let marked = [Self::Utf8, Self::Utf16Le, Self::Utf16Be];
        marked.into_iter().find(|encoding| sample.starts_with(encoding.mark())).or_else(|| {
            let (pairs, _) = sample.as_chunks::<2>();
            let is_line_end = |pair: &[u8; 2]| matches!(pair, [b'\r' | b'\n', 0] | [0, b'\r' | b'\n']);
            let line = pairs.iter().position(is_line_end).unwrap_or(pairs.len());
            let pairs = pairs.get(..line).unwrap_or_default();
            let first = pairs.iter().filter(|pair| pair[0] == 0).count();
            let second = pairs.iter().filter(|pair| pair[1] == 0).count();
            let most = |nuls: usize| nuls > 0 && nuls * 2 >= pairs.len();
            let few = |nuls: usize| nuls * 4 < pairs.len();
            if most(second) && few(first) {
                Some(Self::Utf16Le)
            } else if most(first) && few(second) {
                Some(Self::Utf16Be)
            } else {
                None
            }
        })
    }

    /// Gives the byte order mark.
    pub(crate) fn mark(self) -> &'static [u8] {
        match self {
            Self::Utf8 => b"\xef\xbb\xbf",
            Self::Utf16Le => b"\xff\xfe",
            Self::Utf16Be => b"\xfe\xff",
            Self::Windows1252 => b"",
        }
    }

    fn decoder(self) -> Option<Decoder> {
        let encoding = match self {
            Self::Utf8 => return None,
            Self::Utf16Le => UTF_16LE,
            Self::Utf16Be => UTF_16BE,
            Self::Windows1252 => WINDOWS_1252,
        };
        Some(encoding.new_decoder_without_bom_handling())
    }
}

/// Counts what rules 3 to 5 ask for, over chunks of any size.
#[derive(Debug, Default)]
pub(crate) struct Census {
    valid: u64,
    invalid: u64,
    /// The start of a sequence that the next chunk may complete.
    cut: Vec<u8>,
}

impl Census {
    /// Counts a whole source.
    pub(crate) fn take(mut source: impl Read) -> io::Result<Encoding> {
        let mut census = Self::default();
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        while source.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk)? > 0 {
            census.count(&chunk);
            chunk.clear();
        }
        Ok(census.encoding())
    }

    fn count(&mut self, chunk: &[u8]) {
        if self.cut.is_empty() && chunk.is_ascii() {
            return;
        }
        let mut bytes = std::mem::take(&mut self.cut);
        bytes.extend_from_slice(chunk);
        let mut rest = bytes.as_slice();
        loop {
            let (valid, behind) = match std::str::from_utf8(rest) {
                Ok(_) => (rest, None),
                Err(error) => {
                    let (valid, behind) = rest.split_at(error.valid_up_to());
                    (valid, Some((error.error_len(), behind)))
                }
            };
            self.valid += valid.iter().filter(|byte| **byte >= 0xc0).count() as u64;
            match behind {
                None => return,
                Some((None, behind)) => {
                    self.cut.extend_from_slice(behind);
                    return;
                }
                Some((Some(length), behind)) => {
                    self.invalid += 1;
                    rest = behind.get(length..).unwrap_or_default();
                }
            }
        }
    }

    fn encoding(&self) -> Encoding {
        let invalid = self.invalid + u64::from(!self.cut.is_empty());
        if invalid == 0 || self.valid > invalid { Encoding::Utf8 } else { Encoding::Windows1252 }
    }
}

/// Rewrites a text in UTF-8, without its byte order mark, chunk by chunk; `put` may end it early
/// by false.
///
/// What is no character in the text's encoding becomes a byte that is none in UTF-8, so that the
/// row is found to be damaged. A replacement character that the text itself holds stays one.
pub(crate) fn rewrite(
    mut source: impl Read,
    encoding: Encoding,
    mut put: impl FnMut(Vec<u8>) -> bool,
) -> io::Result<()> {
    let mark = encoding.mark();
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    source.by_ref().take(mark.len() as u64).read_to_end(&mut chunk)?;
    if chunk == mark {
        chunk.clear();
    }
    let mut decoder = encoding.decoder();
    loop {
        let is_last = source.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk)? == 0;
        let text = match &mut decoder {
            Some(decoder) => decoded(decoder, &chunk, is_last),
            None => chunk.clone(),
        };
        if (!text.is_empty() && !put(text)) || is_last {
            return Ok(());
        }
        chunk.clear();
    }
}

fn decoded(decoder: &mut Decoder, mut bytes: &[u8], is_last: bool) -> Vec<u8> {
    let mut text = Vec::new();
    loop {
        let size = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(CHUNK_BYTES);
        let start = text.len();
        text.resize(start + size, 0);
        let space = text.get_mut(start..).unwrap_or_default();
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(bytes, space, is_last);
        text.truncate(start + written);
        bytes = bytes.get(read..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return text,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => text.push(0xff),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(bytes: &[u8], chunk: usize) -> Encoding {
        let mut census = Census::default();
        bytes.chunks(chunk).for_each(|chunk| census.count(chunk));
        census.encoding()
    }

    #[test]
    fn the_first_bytes_decide_by_a_mark_or_by_every_other_nul() {
        for (bytes, expected) in [
            (&b"\xef\xbb\xbfemail"[..], Some(Encoding::Utf8)),
            (b"\xff\xfee\0", Some(Encoding::Utf16Le)),
            (b"\xfe\xff\0e", Some(Encoding::Utf16Be)),
            (b"e\0m\0\n\0\x42\x43", Some(Encoding::Utf16Le)),
            (b"\0e\0m\0\n\x42\x43", Some(Encoding::Utf16Be)),
            (
                "\u{540d},email\u{1f600}"
                    .encode_utf16()
                    .flat_map(u16::to_be_bytes)
                    .collect::<Vec<_>>()
                    .as_slice(),
                Some(Encoding::Utf16Be),
            ),
            (b"em\0ail", None),
            (b"email\0\0", None),
            (b"email", None),
            (b"\n\0", None),
            (b"", None),
        ] {
            assert_eq!(Encoding::of_start(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn the_whole_text_decides_wherever_its_chunks_end() {
        for chunk in 1..8 {
            assert_eq!(census("a,b\n".as_bytes(), chunk), Encoding::Utf8);
            assert_eq!(census("Zoë, Łódź 😀".as_bytes(), chunk), Encoding::Utf8);
            assert_eq!(census(b"Zo\xc3\xab, Zo\xc3\xab, Zo\xeb,", chunk), Encoding::Utf8);
            assert_eq!(census(b"Zo\xc3\xab, Zo\xeb,", chunk), Encoding::Windows1252);
            assert_eq!(census(b"Zo\xeb", chunk), Encoding::Windows1252);
        }
    }

    #[test]
    fn what_no_character_is_stays_none() {
        let mut text = Vec::new();
        let bytes = b"\xff\xfea\0\0\xd8b\0\xfd\xff\x3d\xd8\x00\xde";
        rewrite(&bytes[..], Encoding::Utf16Le, |chunk| {
            text.extend(chunk);
            true
        })
        .unwrap();
        let expected = ["a".as_bytes(), b"\xff", "b\u{fffd}😀".as_bytes()].concat();
        assert_eq!(text, expected);
    }
}
