//! How a text is laid out: what its first bytes say.
//!
//! - NDJSON if the first byte that is not blank is `{`, else CSV.
//! - A first line `sep=;` (as Excel writes it, with any delimiter) names the delimiter; it is no
//!   record.
//! - The header is the first of the first [`HEADER_WITHIN`] records that names an email column, by
//!   a name that maps by itself or by the mapping. What is before it (a title, a date) does not
//!   count as records.
//! - The delimiter is that by which a header is found, of several that by which most records are
//!   as wide as their header, of equals the one that makes more columns. A file of one column has
//!   commas as well as any other.
//! - Trailing records are the footer of a report and do not count if each has its first cell and no
//!   other that is not blank, fewer cells than the header, and no `@`; at most [`MAX_FOOTERS`], or
//!   they are all data.

use model::import::{ColumnFacts, FileRefusal, ImportOptions, plan_columns};

use crate::encoding::Encoding;
use crate::gzip;
use crate::records::{Layout, Place, Record, Records};
use crate::report;

/// How much of a text decides: some hundred rows.
pub(crate) const SAMPLE_BYTES: usize = 64 * 1024;
/// How many records may stand up to the header, it included.
pub(crate) const HEADER_WITHIN: usize = 50;
/// How many records a footer may have.
pub(crate) const MAX_FOOTERS: u64 = 10;
/// In the order of preference between equals.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Says how a text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// None for NDJSON.
    pub delimiter: Option<u8>,
    /// Where the first record starts, or blank lines before it.
    pub start: Place,
}

impl Dialect {
    /// Looks at the first bytes of a text in UTF-8.
    pub(crate) fn of(sample: &[u8], options: &ImportOptions) -> Self {
        let mark = Encoding::Utf8.mark();
        let text = sample.strip_prefix(mark).unwrap_or(sample);
        let start = Place { offset: (sample.len() - text.len()) as u64, row: 0, line: 1 };
        if text.trim_ascii_start().starts_with(b"{") {
            return Self { delimiter: None, start };
        }
        if let Some((delimiter, length)) = separator_line(text) {
            let start = Place { offset: start.offset + length as u64, line: 2, ..start };
            return Self { delimiter: Some(delimiter), start };
        }
        Self { delimiter: Some(delimiter(text, options)), start }
    }
}

/// Refuses archives, workbooks and other binaries.
///
/// # Errors
/// `not_text`.
pub(crate) fn check_text(sample: &[u8]) -> Result<(), FileRefusal> {
    let what = match sample {
        [b'P', b'K', 3 | 5, ..] => "an archive or a workbook",
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "a workbook",
        [b'%', b'P', b'D', b'F', ..] => "a PDF",
        _ if gzip::is_gzip(sample) => "packed twice",
        _ => return Ok(()),
    };
    Err(not_text(what))
}

pub(crate) fn not_text(what: &str) -> FileRefusal {
    FileRefusal::new("not_text", format!("the file is {what}; save it as CSV in UTF-8"))
}

/// Tells whether a record names an email column, and so is the header.
pub(crate) fn is_header(record: &Record, options: &ImportOptions) -> bool {
    if record.fault.as_ref().is_some_and(|fault| fault.code != "undecodable") {
        return false;
    }
    let header = names(record);
    let mut options = report::options_for(&header, options);
    // What the mapping says of other columns must not hide that this is no header.
    options.mapping.retain(|name, _| header.contains(name));
    let facts = vec![ColumnFacts::default(); header.len()];
    plan_columns(&header, &options, &facts).map_or_else(|refusal| refusal.code != "no_email_column", |_| true)
}

/// Gives the names that a header has.
pub(crate) fn names(header: &Record) -> Vec<String> {
    header.cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// Tells whether a record may be part of a footer.
pub(crate) fn is_footer(record: &Record, columns: usize) -> bool {
    let mut cells = record.cells.iter();
    record.fault.is_none()
        && record.cells.len() < columns
        && cells.next().is_some_and(|first| !first.trim().is_empty() && !first.contains('@'))
        && cells.all(|cell| cell.trim().is_empty())
}

/// Reads `sep=;`, quoted or not, and tells how long it is with its line end.
fn separator_line(text: &[u8]) -> Option<(u8, usize)> {
    let end = text.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let line = text.get(..end)?;
    let bare = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (name, delimiter) = bare.split_at_checked(4)?;
    let [delimiter] = delimiter else { return None };
    let can_delimit = delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric() && *delimiter != b'"';
    let ends_in_both = text.get(end..)?.starts_with(b"\r\n");
    (name.eq_ignore_ascii_case(b"sep=") && can_delimit)
        .then_some((*delimiter, end + if ends_in_both { 2 } else { 1 }))
}

fn delimiter(sample: &[u8], options: &ImportOptions) -> u8 {
    // A byte order mark, which is not part of it any more, makes it shorter.
    let is_cut = sample.len() + Encoding::Utf8.mark().len() >= SAMPLE_BYTES;
    let mut best = (false, 0.0, 1);
    let mut found = b',';
    for delimiter in DELIMITERS {
        let place = Place { offset: 0, row: 0, line: 1 };
        let mut records: Vec<Record> =
            Records::new(sample, Layout::Csv(delimiter), place).filter_map(Result::ok).collect();
        // The last record may be half a one.
        if is_cut && records.len() > 2 {
            records.pop();
        }
        let header = records.iter().take(HEADER_WITHIN).position(|record| is_header(record, options));
        let Some((first, rows)) = records.get(header.unwrap_or(0)..).and_then(<[_]>::split_first) else {
            continue;
        };
        let width = first.cells.len();
        let alike = rows.iter().filter(|row| row.cells.len() == width).count();
        let rank = (header.is_some(), (alike + 1) as f64 / (rows.len() + 1) as f64, width);
        if width > 1 && rank > best {
            best = rank;
            found = delimiter;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delimiter_of(text: &str) -> Option<char> {
        Dialect::of(text.as_bytes(), &ImportOptions::default()).delimiter.map(char::from)
    }

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
            ("Report, of, leads\n\nname;email\nA;a@x.io\n", ';'),
            ("sep=^\nname;x^email\n", '^'),
            ("\"SEP=|\"\r\nemail,name\r\n", '|'),
            ("sep=;x\nemail,name\n", ','),
        ] {
            assert_eq!(delimiter_of(text), Some(expected), "{text:?}");
        }
        assert_eq!(delimiter_of("\u{feff}\n {\"email\":1}"), None);
    }

    #[test]
    fn records_start_behind_a_mark_and_a_separator_line() {
        let start = |text: &str| Dialect::of(text.as_bytes(), &ImportOptions::default()).start;
        assert_eq!(start("\u{feff}email\n"), Place { offset: 3, row: 0, line: 1 });
        assert_eq!(start("\u{feff}sep=;\r\nemail\n"), Place { offset: 10, row: 0, line: 2 });
        assert_eq!(start("sep=;\remail\n"), Place { offset: 6, row: 0, line: 2 });
    }

    #[test]
    fn what_is_no_text_is_refused_by_its_first_bytes() {
        assert_eq!(check_text(b"email\n"), Ok(()));
        for bytes in [&b"PK\x03\x04..."[..], b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0", b"%PDF-1.7"] {
            assert_eq!(check_text(bytes).map_err(|refusal| refusal.code), Err("not_text".into()));
        }
    }
}
