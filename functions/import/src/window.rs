//! The bytes of a file from one place on, as many as a record needs.

use std::io::{self, Read};

use memchr::memchr2;

const CHUNK_BYTES: u64 = 64 * 1024;

/// Holds what was read of a source and not consumed yet.
pub(crate) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where in `buffer` the bytes start that are not consumed.
    start: usize,
    consumed: u64,
}

impl<R: Read> Window<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, buffer: Vec::new(), start: 0, consumed: 0 }
    }

    /// Gives what is here and not consumed.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Counts the bytes consumed so far.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Reads on; false at the end of the source.
    pub(crate) fn more(&mut self) -> io::Result<bool> {
        // Moving only what is the smaller half keeps the time linear in what is read.
        if self.start >= self.buffer.len() - self.start {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        Ok(self.source.by_ref().take(CHUNK_BYTES).read_to_end(&mut self.buffer)? > 0)
    }

    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.buffer.len() - self.start);
        self.start += count;
        self.consumed += count as u64;
    }

    /// Measures the line at the start, without its end; none where it is longer than `limit`.
    pub(crate) fn line(&mut self, limit: usize) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            let bytes = self.bytes();
            if let Some(found) = bytes.get(searched..).and_then(|rest| memchr2(b'\r', b'\n', rest)) {
                return Ok(Some(searched + found).filter(|length| *length <= limit));
            }
            searched = bytes.len();
            if searched > limit {
                return Ok(None);
            }
            if !self.more()? {
                return Ok(Some(searched));
            }
        }
    }

    /// Consumes up to the end of the line, in bounded memory.
    pub(crate) fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.bytes();
            let end = memchr2(b'\r', b'\n', bytes);
            let length = end.unwrap_or(bytes.len());
            self.consume(length);
            if end.is_some() || !self.more()? {
                return Ok(());
            }
        }
    }

    /// Consumes one line end (LF, CR or CRLF), if one is at the start.
    pub(crate) fn line_end(&mut self) -> io::Result<bool> {
        if self.bytes().is_empty() {
            self.more()?;
        }
        let length = match self.bytes() {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            [b'\r'] => {
                self.more()?;
                if self.bytes().starts_with(b"\r\n") { 2 } else { 1 }
            }
            [b'\r', ..] => 1,
            _ => return Ok(false),
        };
        self.consume(length);
        Ok(true)
    }
}
