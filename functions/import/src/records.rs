//! The records of a file, each with the place where it stands.
//!
//! A record that cannot be read is a record as well, with a fault: it has its place, its row in
//! the counts and its line in the error report, and reading goes on behind it.

use std::io::{self, Read};
use std::sync::Arc;

use csv::{ByteRecord, StringRecord};
use model::Invalid;
use model::import::FileRefusal;

use crate::ndjson::{self, Keys};
use crate::split::{Extent, MAX_RECORD_BYTES, Splitter, cells};
use crate::window::Window;

/// Largest cell, in bytes: a contact takes no more, so neither does a cell of it.
pub(crate) const MAX_CELL_BYTES: usize = 400 * 1024;

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
    /// As far as they can be told where there is a fault, and without those that are too long.
    pub cells: StringRecord,
    /// Why it is no row.
    pub fault: Option<Invalid>,
}

/// Says why reading stopped.
#[derive(Debug)]
pub(crate) enum ReadFault {
    /// The bytes did not come; they may another time.
    Io(io::Error),
    /// The file is not what can be imported.
    Refused(FileRefusal),
}

impl From<io::Error> for ReadFault {
    /// Finds the refusal that a reader below gave as an error.
    fn from(error: io::Error) -> Self {
        match error.downcast::<FileRefusal>() {
            Ok(refusal) => Self::Refused(refusal),
            Err(error) => Self::Io(error),
        }
    }
}

/// Says what a record is in a file.
#[derive(Debug, Clone)]
pub(crate) enum Layout {
    /// Cells between delimiters, as the grammar in `split` has it.
    Csv(u8),
    /// One JSON object a line; its keys are the columns.
    Ndjson(Arc<Keys>),
    /// A line that is not blank is one cell.
    Lines,
}

impl From<u8> for Layout {
    fn from(delimiter: u8) -> Self {
        Self::Csv(delimiter)
    }
}

/// Reads records one by one, in the memory of one of them.
pub(crate) struct Records<R> {
    window: Window<R>,
    layout: Layout,
    splitter: Splitter,
    limit: usize,
    /// Where the bytes start that no record has taken yet.
    place: Place,
}

impl<R: Read> Records<R> {
    /// Reads `source`, which starts at `place` of the file.
    pub(crate) fn new(source: R, layout: impl Into<Layout>, place: Place) -> Self {
        Self::with_limit(source, layout, place, MAX_RECORD_BYTES)
    }

    /// Reads records of at most so many bytes.
    pub(crate) fn with_limit(source: R, layout: impl Into<Layout>, place: Place, limit: usize) -> Self {
        let layout = layout.into();
        let delimiter = if let Layout::Csv(delimiter) = layout { delimiter } else { b',' };
        let splitter = Splitter::new(delimiter, limit);
        Self { window: Window::new(source), layout, splitter, limit, place }
    }

    /// Tells where the next record starts, give or take blank lines.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Takes the last record for the header: the next one is number 1.
    pub(crate) fn count_from_here(&mut self) {
        self.place.row = 1;
    }

    fn read(&mut self) -> io::Result<Option<Record>> {
        if !self.skip_blank_lines()? {
            return Ok(None);
        }
        let place = self.place;
        let extent = match self.layout {
            Layout::Csv(_) => self.splitter.extent(&mut self.window)?,
            Layout::Ndjson(_) | Layout::Lines => {
                self.window.line(self.limit)?.map_or(Extent::TooLong, Extent::Record)
            }
        };
        let before = self.window.consumed();
        let (length, fault) = match extent {
            Extent::Record(length) => (length, None),
            Extent::Unclosed(length) => (length, Some(unclosed_quote())),
            Extent::TooLong => (0, Some(record_too_long(self.limit))),
        };
        let raw = self.window.bytes().get(..length).unwrap_or_default();
        let inner_lines = if raw.contains(&b'\n') || raw.contains(&b'\r') { lines(raw) } else { 0 };
        let (cells, fault) = match (&self.layout, fault) {
            (_, fault) if extent == Extent::TooLong => (StringRecord::new(), fault),
            (Layout::Csv(delimiter), fault) => checked(cells(raw, *delimiter), fault, MAX_CELL_BYTES),
            (Layout::Lines, fault) => checked(ByteRecord::from(vec![raw]), fault, self.limit),
            (Layout::Ndjson(keys), fault) => ndjson::cells(raw, keys, fault),
        };
        self.window.consume(length);
        if extent == Extent::TooLong {
            self.window.skip_line()?;
        }
        let ended = self.window.line_end()?;
        self.place = Place {
            offset: place.offset + (self.window.consumed() - before),
            row: place.row + 1,
            line: place.line + inner_lines + u64::from(ended),
        };
        Ok(Some(Record { place, cells, fault }))
    }

    /// Goes to where the next record starts; false at the end of the file.
    fn skip_blank_lines(&mut self) -> io::Result<bool> {
        loop {
            let before = self.window.consumed();
            if !matches!(self.layout, Layout::Csv(_)) {
                let line = self.window.line(self.limit)?.unwrap_or(0);
                let blank = self.window.bytes().get(..line).is_some_and(|line| line.trim_ascii().is_empty());
                self.window.consume(if blank { line } else { 0 });
            }
            let ended = self.window.line_end()?;
            self.place.offset += self.window.consumed() - before;
            self.place.line += u64::from(ended);
            if !ended {
                return Ok(!self.window.bytes().is_empty());
            }
        }
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<Record, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().map_err(ReadFault::from).transpose()
    }
}

/// Makes text of cells, and finds what no contact can hold. A cell that is too long is left out,
/// so that neither a stretch of rows nor the report of errors is too large.
pub(crate) fn checked(
    bytes: ByteRecord,
    fault: Option<Invalid>,
    max_cell_bytes: usize,
) -> (StringRecord, Option<Invalid>) {
    let nul = bytes.as_slice().contains(&0);
    let (cells, is_text) = match StringRecord::from_byte_record(bytes) {
        Ok(cells) => (cells, true),
        Err(error) => (StringRecord::from_byte_record_lossy(error.into_byte_record()), false),
    };
    let may_be_long = cells.as_slice().len() > max_cell_bytes;
    let too_long = cells.iter().enumerate().find(|(_, cell)| may_be_long && cell.len() > max_cell_bytes);
    let left_out = too_long.map(|(index, cell)| {
        let (column, size) = (index + 1, cell.len());
        format!(
            "cell {column} has {size} bytes, over {max_cell_bytes}, and is left out here; shorten its text"
        )
    });
    let fault = fault.or_else(|| nul.then(nul_character)).or_else(|| (!is_text).then(undecodable));
    let fault = match (fault, &left_out) {
        (fault, None) => fault,
        (None, Some(left_out)) => Some(Invalid::new("cell_too_long", left_out.clone())),
        (Some(fault), Some(left_out)) => {
            Some(Invalid::new(fault.code, format!("{}; {left_out}", fault.detail)))
        }
    };
    let cells = match left_out {
        None => cells,
        Some(_) => cells.iter().map(|cell| if cell.len() > max_cell_bytes { "" } else { cell }).collect(),
    };
    (cells, fault)
}

fn nul_character() -> Invalid {
    Invalid::new("nul_character", "the row holds a NUL character; take it out")
}

fn undecodable() -> Invalid {
    let detail = "the row holds bytes that are no text in the encoding of the file, shown as `\u{fffd}`; \
                  write them anew";
    Invalid::new("undecodable", detail)
}

fn unclosed_quote() -> Invalid {
    let detail = "a quote is opened and not closed before a delimiter or the end of a line; close it, or \
                  double it inside a cell";
    Invalid::new("unclosed_quote", detail)
}

fn record_too_long(limit: usize) -> Invalid {
    Invalid::new("record_too_long", format!("the record has over {limit} bytes and is left out; shorten it"))
}

/// Counts line ends: LF, CR, and CRLF as one.
fn lines(bytes: &[u8]) -> u64 {
    let mut count = 0;
    let mut after_cr = false;
    for byte in bytes {
        count += u64::from(*byte == b'\r' || (*byte == b'\n' && !after_cr));
        after_cr = *byte == b'\r';
    }
    count
}
