//! The records of a CSV file, each with the place where it stands.
//!
//! The csv crate parses; places are counted here, because it counts only `\n` as a line, and its
//! position of a record may lie before blank lines or between `\r` and `\n`.

use std::io::{self, Chain, Read};

use csv::{ByteRecord, ReaderBuilder, StringRecord};
use model::import::FileRefusal;

/// Largest record, in bytes, beside the reader's buffer: far above the 400 KB of a contact. What
/// is longer is a quote that was never closed.
const MAX_RECORD_BYTES: usize = 1024 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;
/// Goes before the file. It is a blank line to the csv crate, which would otherwise take a byte
/// order mark away wherever it starts to read, also in the middle of a file.
const BLANK_LINE: &[u8] = b"\n";

/// Says where a record starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The byte in the file.
    pub offset: u64,
    /// The record's number; the header is 0.
    pub row: u64,
    /// The line in the file, from 1.
    pub line: u64,
}

/// Is one record of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub place: Place,
    pub cells: StringRecord,
}

/// Says why reading stopped.
#[derive(Debug)]
pub(crate) enum ReadFault {
    /// The bytes did not come; they may another time.
    Io(io::Error),
    /// The file is not what can be imported.
    Refused(FileRefusal),
}

/// Reads records one by one.
pub(crate) struct Records<R> {
    csv: csv::Reader<Chain<&'static [u8], Tee<R>>>,
    /// Where the bytes start that no record has taken yet.
    place: Place,
    /// How many bytes records have taken.
    taken: u64,
    after_cr: bool,
    bytes: ByteRecord,
    /// The last record as it stands in the file, if it has several lines.
    last_lines: Vec<u8>,
    delimiter: u8,
}

impl<R: Read> Records<R> {
    /// Reads `source`, which starts at `place` of the file.
    pub(crate) fn new(source: R, delimiter: u8, place: Place) -> Self {
        let tee = Tee { inner: source, unread: Vec::new(), start: 0 };
        Self {
            csv: parser(delimiter).from_reader(BLANK_LINE.chain(tee)),
            place,
            taken: 0,
            after_cr: false,
            bytes: ByteRecord::new(),
            last_lines: Vec::new(),
            delimiter,
        }
    }

    /// Tells where the next record starts, give or take blank lines.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Tells whether the last record ended only because the file did, inside a quote: a record
    /// appended to it would be swallowed.
    pub(crate) fn ends_in_a_quote(&self) -> bool {
        if self.last_lines.is_empty() {
            return false;
        }
        let longer = self.last_lines.as_slice().chain(&b"\nx"[..]);
        parser(self.delimiter).from_reader(longer).byte_records().count() == 1
    }

    fn read(&mut self) -> Result<Option<Record>, ReadFault> {
        let found = self.csv.read_byte_record(&mut self.bytes).map_err(|error| self.fault(error))?;
        let end = self.csv.position().byte().saturating_sub(BLANK_LINE.len() as u64);
        let (_, tee) = self.csv.get_mut().get_mut();
        let raw = tee.take(usize::try_from(end - self.taken).unwrap_or(usize::MAX));
        self.taken = end;
        let blank = raw.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (blank, raw) = raw.split_at(blank);
        let place = Place {
            offset: self.place.offset + blank.len() as u64,
            line: self.place.line + lines(blank, &mut self.after_cr),
            ..self.place
        };
        self.place = Place {
            offset: place.offset + raw.len() as u64,
            line: place.line + lines(raw, &mut self.after_cr),
            ..place
        };
        if !found {
            return Ok(None);
        }
        self.place.row += 1;
        self.last_lines.clear();
        if raw.trim_ascii_end().iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            self.last_lines.extend_from_slice(raw);
        }
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.as_slice().contains(&0) {
            return Err(ReadFault::Refused(FileRefusal::new(
                "not_text",
                format!("line {} holds a NUL byte; save the file as CSV in UTF-8", place.line),
            )));
        }
        let cells = StringRecord::from_byte_record(bytes).map_err(|_| {
            ReadFault::Refused(FileRefusal::new(
                "unsupported_encoding",
                format!("the record at line {} is not UTF-8; save the file as CSV in UTF-8", place.line),
            ))
        })?;
        Ok(Some(Record { place, cells }))
    }

    fn fault(&self, error: csv::Error) -> ReadFault {
        match error.into_kind() {
            csv::ErrorKind::Io(error) if error.get_ref().is_some_and(|e| e.is::<RecordTooLong>()) => {
                ReadFault::Refused(FileRefusal::new(
                    "record_too_long",
                    format!(
                        "the record at line {} has over {MAX_RECORD_BYTES} bytes; is a quote not closed?",
                        self.place.line
                    ),
                ))
            }
            csv::ErrorKind::Io(error) => ReadFault::Io(error),
            other => ReadFault::Io(io::Error::other(format!("{other:?}"))),
        }
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<Record, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Sets the one way of parsing up.
pub(crate) fn parser(delimiter: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(BUFFER_BYTES);
    builder
}

/// Counts line ends: LF, CR, and CRLF as one, also where a chunk ends between its two bytes.
fn lines(bytes: &[u8], after_cr: &mut bool) -> u64 {
    let mut count = 0;
    for byte in bytes {
        count += u64::from(*byte == b'\r' || (*byte == b'\n' && !*after_cr));
        *after_cr = *byte == b'\r';
    }
    count
}

#[derive(Debug, thiserror::Error)]
#[error("the record is too long")]
struct RecordTooLong;

/// Keeps the bytes that went to the parser until their record takes them.
struct Tee<R> {
    inner: R,
    unread: Vec<u8>,
    /// Where in `unread` the bytes start that no record has taken.
    start: usize,
}

impl<R> Tee<R> {
    fn take(&mut self, count: usize) -> &[u8] {
        let from = self.start;
        self.start = from.saturating_add(count).min(self.unread.len());
        self.unread.get(from..self.start).unwrap_or_default()
    }
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.unread.drain(..self.start);
        self.start = 0;
        if self.unread.len() > MAX_RECORD_BYTES {
            return Err(io::Error::other(RecordTooLong));
        }
        let count = self.inner.read(buffer)?;
        self.unread.extend_from_slice(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
