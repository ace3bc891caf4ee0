//! How a file is written: what its first bytes say.

use model::import::FileRefusal;

use crate::records::parser;

/// How much of a file decides: some hundred rows.
pub(crate) const SAMPLE_BYTES: u64 = 64 * 1024;
/// In the order of preference between equals.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Checks that a file starts like UTF-8 text, and tells how long its byte order mark is.
///
/// # Errors
/// `unsupported_encoding` for UTF-16, `not_text` for archives, workbooks and other binaries.
pub(crate) fn text_start(sample: &[u8]) -> Result<usize, FileRefusal> {
    if sample.starts_with(b"\xff\xfe") || sample.starts_with(b"\xfe\xff") {
        return Err(FileRefusal::new(
            "unsupported_encoding",
            "the file is UTF-16 from line 1 on; save it as CSV in UTF-8",
        ));
    }
    let what = match sample {
        [b'P', b'K', 3 | 5, ..] => "an archive or a workbook",
        [0x1f, 0x8b, ..] => "compressed with gzip",
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "a workbook",
        [b'%', b'P', b'D', b'F', ..] => "a PDF",
        _ if sample.contains(&0) => "binary",
        _ => return Ok(if sample.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }),
    };
    Err(FileRefusal::new("not_text", format!("the file is {what}; save it as CSV in UTF-8")))
}

/// Finds what separates the cells: that by which most records are as wide as the header, of
/// equals the one that makes more columns. A file of one column has commas as well as any other.
pub(crate) fn delimiter(sample: &[u8]) -> u8 {
    let is_cut = sample.len() as u64 >= SAMPLE_BYTES;
    let mut best = (0.0, 1);
    let mut found = b',';
    for delimiter in DELIMITERS {
        let mut widths: Vec<usize> = parser(delimiter)
            .from_reader(sample)
            .into_byte_records()
            .filter_map(|record| record.ok().map(|record| record.len()))
            .collect();
        // The last record may be half a one.
        if is_cut && widths.len() > 2 {
            widths.pop();
        }
        let Some((header, rows)) = widths.split_first() else { continue };
        let alike = rows.iter().filter(|width| *width == header).count();
        let rank = ((alike + 1) as f64 / (rows.len() + 1) as f64, *header);
        if *header > 1 && rank > best {
            best = rank;
            found = delimiter;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_that_fits_header_and_rows_is_found() {
        for (text, expected) in [
            ("email,name\na@x.io,A\n", ','),
            ("email;name\na@x.io;Doe, John\n", ';'),
            ("email\tname\na@x.io\tA; B, C\n", '\t'),
            ("email|name\na@x.io|A\n", '|'),
            ("\"Doe; John\",email\n\"a;b\",a@x.io\n", ','),
            ("name;amount,EUR;email\nA;1,50;a@x.io\nB;2,75;b@x.io\n", ';'),
            ("email\na@x.io\n", ','),
            ("email\nDoe; John\n", ','),
            ("", ','),
            ("email;notes\na@x.io;\"one, two,\nthree, four\"\n", ';'),
        ] {
            assert_eq!(char::from(delimiter(text.as_bytes())), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_utf_8_text_is_refused_by_its_first_bytes() {
        let code = |bytes: &[u8]| text_start(bytes).map_err(|refusal| refusal.code);
        assert_eq!(code(b"email\n"), Ok(0));
        assert_eq!(code(b"\xef\xbb\xbfemail\n"), Ok(3));
        assert_eq!(code(b"\xff\xfee\0m\0"), Err("unsupported_encoding".into()));
        for bytes in [&b"PK\x03\x04..."[..], b"\x1f\x8b\x08", b"em\0ail", b"%PDF-1.7"] {
            assert_eq!(code(bytes), Err("not_text".into()));
        }
    }
}
