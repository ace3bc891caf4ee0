//! Records read back as they were written, wherever reading starts.

use std::io::Read;

use csv::{QuoteStyle, Terminator, WriterBuilder};
use proptest::prelude::*;

use crate::dialect;
use crate::records::{Place, Record, Records};

/// Gives one byte at a time, so that every place is the end of a chunk once.
struct Dripping<R>(R);

impl<R: Read> Read for Dripping<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let end = buffer.len().min(1);
        self.0.read(&mut buffer[..end])
    }
}

fn read(source: impl Read, delimiter: u8, place: Place) -> Vec<Record> {
    Records::new(source, delimiter, place).map(|record| record.unwrap()).collect()
}

fn lines_before(text: &str, offset: u64) -> u64 {
    let before = &text[..usize::try_from(offset).unwrap()];
    before.replace("\r\n", "\n").replace('\r', "\n").matches('\n').count() as u64
}

prop_compose! {
    fn table()(width in 1_usize..5)(
        rows in prop::collection::vec(prop::collection::vec("[a-c ,;\t|\"\r\n\u{feff}é]{0,6}|[a-z@.]{1,9}", width), 1..12),
    ) -> Vec<Vec<String>> {
        rows
    }
}

proptest! {
    #[test]
    fn a_table_is_read_back_record_by_record_from_the_start_and_from_every_record(
        table in table(),
        delimiter in prop::sample::select(vec![b',', b';', b'\t']),
        line_end in prop::sample::select(vec![Terminator::Any(b'\n'), Terminator::Any(b'\r'), Terminator::CRLF]),
        quotes in prop::sample::select(vec![QuoteStyle::Always, QuoteStyle::Necessary]),
        marked: bool,
    ) {
        // What a writer leaves bare, no reader can tell from what stands around it.
        let bare = |cell: &String| cell.starts_with('\u{feff}') || cell.contains(['\r', '\n']);
        let quotes = if table.iter().flatten().any(bare) { QuoteStyle::Always } else { quotes };
        let mut csv = WriterBuilder::new()
            .delimiter(delimiter).terminator(line_end).quote_style(quotes).from_writer(Vec::new());
        table.iter().for_each(|row| csv.write_record(row).unwrap());
        let text = String::from_utf8(csv.into_inner().unwrap()).unwrap();
        let text = if marked { format!("\u{feff}{text}") } else { text };

        let start = dialect::text_start(text.as_bytes()).unwrap();
        prop_assert_eq!(start, if marked { 3 } else { 0 });
        let place = Place { offset: start as u64, row: 0, line: 1 };
        let records = read(&text.as_bytes()[start..], delimiter, place);
        let cells: Vec<Vec<&str>> = records.iter().map(|record| record.cells.iter().collect()).collect();
        prop_assert_eq!(&cells, &table);
        for (number, record) in records.iter().enumerate() {
            prop_assert_eq!(record.place.row, number as u64);
            prop_assert_eq!(record.place.line, lines_before(&text, record.place.offset) + 1);
            let from = usize::try_from(record.place.offset).unwrap();
            let rest = read(&text.as_bytes()[from..], delimiter, record.place);
            prop_assert_eq!(&rest, &records[number..]);
        }
        prop_assert_eq!(&read(Dripping(&text.as_bytes()[start..]), delimiter, place), &records);
    }
}

#[test]
fn blank_lines_belong_to_no_record() {
    let place = Place { offset: 0, row: 0, line: 1 };
    let mut records = Records::new(&b"\r\n\r\na\r\r\n\n\nb\n\n"[..], b',', place);
    let places: Vec<Place> = records.by_ref().map(|record| record.unwrap().place).collect();
    assert_eq!(places, [Place { offset: 4, row: 0, line: 3 }, Place { offset: 10, row: 1, line: 7 }]);
    assert_eq!(records.place(), Place { offset: 13, row: 2, line: 9 });
}
