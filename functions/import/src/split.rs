//! Where a CSV record ends, and what its cells are.
//!
//! ```text
//! file     = *line-end *( record ( 1*line-end / end-of-file ) )
//! record   = cell *( delimiter cell )
//! cell     = quoted / bare
//! quoted   = '"' *( any byte but '"' / '""' ) '"' *blank     ; line ends included
//! bare     = [ any byte but '"' *( any byte ) ]               ; no delimiter, no line end
//! blank    = space / tab                                      ; where it is not the delimiter
//! line-end = CR LF / CR / LF
//! ```
//!
//! What does not fit is one line long: where a quote is not closed until the end of the file or
//! [`MAX_RECORD_BYTES`] from the start of its record, or where the quote that closes it is followed
//! by anything else than a delimiter or a line end (it then opens a cell of a later row, most of
//! the time), the record is the one line on which it starts, and the next record starts on the
//! next line. So a stray quote costs its own row and never the rows behind it.
//!
//! The record at a place depends on the bytes from there on and on nothing before it.

use std::io::{self, Read};

use csv::ByteRecord;
use memchr::{memchr, memchr_iter, memchr3};

use crate::window::Window;

/// Largest record, in bytes: what a reader holds in memory.
pub(crate) const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;

/// Says how long the record is that starts here, without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Record(usize),
    /// The line of a record with a quote that is not closed.
    Unclosed(usize),
    /// A line that is too long to be looked at.
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Bare,
    Quoted,
    /// A quote within quotes: half a pair, or the closing one.
    QuoteInQuoted,
    /// Blanks behind a closing quote.
    Closed,
    /// At the line end of the record.
    Ended,
    /// Behind a closing quote at what must not be there, or at the end of the file in quotes.
    Failed,
}

#[derive(Debug, Clone, Copy)]
struct Scan {
    state: State,
    at: usize,
}

/// Finds the ends of records, one after the other.
///
/// The time is linear: where a search for a closing quote was in vain, how far it came is kept. It
/// was within quotes at every line end on its way, so another record that is within quotes at the
/// end of its first line meets the same bytes in the same state, and goes on where it stopped.
#[derive(Debug)]
pub(crate) struct Splitter {
    delimiter: u8,
    limit: usize,
    /// The search that came furthest; `at` counts from the start of the source.
    furthest: Option<(u64, State)>,
}

impl Splitter {
    pub(crate) fn new(delimiter: u8, limit: usize) -> Self {
        Self { delimiter, limit, furthest: None }
    }

    /// Measures the record at the start of a window that does not start with a line end.
    pub(crate) fn extent<R: Read>(&mut self, window: &mut Window<R>) -> io::Result<Extent> {
        let Some(line) = window.line(self.limit)? else { return Ok(Extent::TooLong) };
        let first = window.bytes().get(..line).unwrap_or_default();
        if memchr(b'"', first).is_none() {
            return Ok(Extent::Record(line));
        }
        let mut scan = Scan { state: State::CellStart, at: 0 };
        scan.advance(first, self.delimiter);
        match scan.state {
            State::Quoted => {}
            State::Failed => return Ok(Extent::Unclosed(line)),
            State::CellStart | State::Bare | State::QuoteInQuoted | State::Closed | State::Ended => {
                return Ok(Extent::Record(line));
            }
        }
        let start = window.consumed();
        if let Some((at, state)) = self.furthest
            && at > start + line as u64
        {
            scan = Scan { state, at: usize::try_from(at - start).unwrap_or(usize::MAX) };
        }
        loop {
            let here = window.bytes().len();
            let within = window.bytes().get(..here.min(self.limit + 1)).unwrap_or_default();
            scan.advance(within, self.delimiter);
            match scan.state {
                State::Ended => return Ok(Extent::Record(scan.at)),
                State::Failed => break,
                _ if here > self.limit => break,
                _ if window.more()? => {}
                State::Quoted => {
                    scan.state = State::Failed;
                    break;
                }
                State::CellStart | State::Bare | State::QuoteInQuoted | State::Closed => {
                    return Ok(Extent::Record(scan.at));
                }
            }
        }
        self.furthest = Some((start + scan.at as u64, scan.state));
        Ok(Extent::Unclosed(line))
    }
}

impl Scan {
    /// Goes on until the bytes or the record end.
    fn advance(&mut self, bytes: &[u8], delimiter: u8) {
        while let Some(rest) = bytes.get(self.at..).filter(|rest| !rest.is_empty()) {
            let (length, state) = match self.state {
                State::CellStart if rest.starts_with(b"\"") => (1, State::Quoted),
                State::CellStart | State::Bare => match memchr3(delimiter, b'\r', b'\n', rest) {
                    Some(length) if rest.get(length) == Some(&delimiter) => (length + 1, State::CellStart),
                    Some(length) => (length, State::Ended),
                    None => (rest.len(), State::Bare),
                },
                State::Quoted => match memchr(b'"', rest) {
                    Some(length) => (length + 1, State::QuoteInQuoted),
                    None => (rest.len(), State::Quoted),
                },
                State::QuoteInQuoted | State::Closed => match rest {
                    [b'"', ..] if self.state == State::QuoteInQuoted => (1, State::Quoted),
                    [byte, ..] if *byte == delimiter => (1, State::CellStart),
                    [b'\r' | b'\n', ..] => (0, State::Ended),
                    [b' ' | b'\t', ..] => (1, State::Closed),
                    _ => (0, State::Failed),
                },
                State::Ended | State::Failed => return,
            };
            self.at += length;
            self.state = state;
        }
    }
}

/// Takes a record apart. What is wrong about a quote stays as it is written, up to the end.
pub(crate) fn cells(record: &[u8], delimiter: u8) -> ByteRecord {
    let mut cells = ByteRecord::with_capacity(record.len(), 16);
    if memchr(b'"', record).is_none() {
        let mut start = 0;
        for end in memchr_iter(delimiter, record) {
            cells.push_field(record.get(start..end).unwrap_or_default());
            start = end + 1;
        }
        cells.push_field(record.get(start..).unwrap_or_default());
        return cells;
    }
    let mut rest = record;
    let mut unquoted = Vec::new();
    loop {
        let length = if rest.starts_with(b"\"") {
            match unquote(rest, delimiter, &mut unquoted) {
                Some(length) => {
                    cells.push_field(&unquoted);
                    length
                }
                None => {
                    cells.push_field(rest);
                    rest.len()
                }
            }
        } else {
            let length = memchr(delimiter, rest).unwrap_or(rest.len());
            cells.push_field(rest.get(..length).unwrap_or_default());
            length
        };
        match rest.get(length + 1..) {
            Some(behind) => rest = behind,
            None => return cells,
        }
    }
}

/// Reads the quoted cell at the start, and tells where its delimiter is.
fn unquote(bytes: &[u8], delimiter: u8, cell: &mut Vec<u8>) -> Option<usize> {
    cell.clear();
    let mut at = 1;
    loop {
        let rest = bytes.get(at..)?;
        let quote = memchr(b'"', rest)?;
        at += quote + 1;
        let is_pair = bytes.get(at) == Some(&b'"');
        cell.extend_from_slice(rest.get(..quote + usize::from(is_pair))?);
        if !is_pair {
            break;
        }
        at += 1;
    }
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t') && **byte != delimiter;
    let end = at + bytes.get(at..)?.iter().take_while(blank).count();
    bytes.get(end).is_none_or(|byte| *byte == delimiter).then_some(end)
}
