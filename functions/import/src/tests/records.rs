//! Records read back as they were written, wherever reading starts.

use std::io::Read;

use csv::{QuoteStyle, Terminator, WriterBuilder};
use proptest::prelude::*;

use crate::records::{Layout, Place, Record, Records};

const START: Place = Place { offset: 0, row: 0, line: 1 };

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

/// Reads records of at most so many bytes from the start, and checks that reading from each of
/// them gives the rest.
fn read_from_everywhere(text: &[u8], delimiter: u8, limit: usize) -> Vec<Record> {
    let read = |source: &[u8], place| -> Vec<Record> {
        Records::with_limit(source, Layout::Csv(delimiter), place, limit).map(Result::unwrap).collect()
    };
    let records = read(text, START);
    for (number, record) in records.iter().enumerate() {
        let rest = read(&text[usize::try_from(record.place.offset).unwrap()..], record.place);
        assert_eq!(rest, records[number..]);
    }
    records
}

fn code(record: &Record) -> &'static str {
    record.fault.as_ref().map_or("", |fault| fault.code)
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
        delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
        line_end in prop::sample::select(vec![Terminator::Any(b'\n'), Terminator::Any(b'\r'), Terminator::CRLF]),
        quotes in prop::sample::select(vec![QuoteStyle::Always, QuoteStyle::Necessary]),
    ) {
        // What a writer leaves bare, no reader can tell from what stands around it.
        let bare = |cell: &String| cell.contains(['\r', '\n']);
        let quotes = if table.iter().flatten().any(bare) { QuoteStyle::Always } else { quotes };
        let mut csv = WriterBuilder::new()
            .delimiter(delimiter).terminator(line_end).quote_style(quotes).from_writer(Vec::new());
        table.iter().for_each(|row| csv.write_record(row).unwrap());
        let text = String::from_utf8(csv.into_inner().unwrap()).unwrap();

        let records = read(text.as_bytes(), delimiter, START);
        let cells: Vec<Vec<&str>> = records.iter().map(|record| record.cells.iter().collect()).collect();
        prop_assert_eq!(&cells, &table);
        prop_assert!(records.iter().all(|record| record.fault.is_none()));
        for (number, record) in records.iter().enumerate() {
            prop_assert_eq!(record.place.row, number as u64);
            prop_assert_eq!(record.place.line, lines_before(&text, record.place.offset) + 1);
            let from = usize::try_from(record.place.offset).unwrap();
            let rest = read(&text.as_bytes()[from..], delimiter, record.place);
            prop_assert_eq!(&rest, &records[number..]);
        }
        prop_assert_eq!(&read(Dripping(text.as_bytes()), delimiter, START), &records);
    }

    #[test]
    fn whatever_stands_in_a_file_each_line_is_in_one_record_and_reading_from_any_gives_the_rest(
        text in "[a\",\r\n \\x00é]{0,60}",
        limit in 1_usize..40,
    ) {
        let records = read_from_everywhere(text.as_bytes(), b',', limit);
        let mut last = START;
        for (number, record) in records.iter().enumerate() {
            prop_assert!(number == 0 || record.place.offset > last.offset);
            prop_assert_eq!(record.place.line, lines_before(&text, record.place.offset) + 1);
            let skipped = &text.as_bytes()[usize::try_from(last.offset).unwrap()..usize::try_from(record.place.offset).unwrap()];
            if number == 0 || matches!(code(&records[number - 1]), "unclosed_quote" | "record_too_long") {
                let content = skipped.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(skipped.len());
                let lines = &skipped[content..];
                let end = lines.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(lines.len());
                prop_assert!(lines[end..].iter().all(|b| matches!(b, b'\r' | b'\n')), "a fault takes one line");
            }
            last = record.place;
        }
        let dripping = Records::with_limit(Dripping(text.as_bytes()), Layout::Csv(b','), START, limit);
        prop_assert_eq!(dripping.map(Result::unwrap).collect::<Vec<_>>(), records);
    }
}

#[test]
fn blank_lines_belong_to_no_record() {
    let mut records = Records::new(&b"\r\n\r\na\r\r\n\n\nb\n\n"[..], b',', START);
    let places: Vec<Place> = records.by_ref().map(|record| record.unwrap().place).collect();
    assert_eq!(places, [Place { offset: 4, row: 0, line: 3 }, Place { offset: 10, row: 1, line: 7 }]);
    assert_eq!(records.place(), Place { offset: 13, row: 2, line: 9 });
}

#[test]
fn a_stray_quote_costs_its_own_line_and_no_other() {
    for (text, expected) in [
        ("a,\"b\nc,d\n", vec![(1, "unclosed_quote", 2), (2, "", 2)]),
        ("a,\"b\nc,\"d\"\ne,f\n", vec![(1, "unclosed_quote", 2), (2, "", 2), (3, "", 2)]),
        ("a,\"b\n\nc,\"d\n", vec![(1, "unclosed_quote", 2), (3, "unclosed_quote", 2)]),
        ("\"a \"b\" c\",d\ne,f", vec![(1, "unclosed_quote", 1), (2, "", 2)]),
        ("\"a\nb\",\"c\" \t\r\nd,e", vec![(1, "", 2), (3, "", 2)]),
        ("a,b\"\"c\"\nd,\"\"\n\"\"\"\"", vec![(1, "", 2), (2, "", 2), (3, "", 1)]),
        ("a,\"", vec![(1, "unclosed_quote", 2)]),
    ] {
        let records = read_from_everywhere(text.as_bytes(), b',', 1000);
        let found: Vec<_> = records.iter().map(|r| (r.place.line, code(r), r.cells.len())).collect();
        assert_eq!(found, expected, "{text:?}");
    }
    let records = read(&b"a,\"b, \"\"c\"\nd\n"[..], b',', START);
    assert_eq!(records[0].cells, vec!["a", "b, \"c"]);
    let records = read(&b"a,\"b, \"\"c\nd\n"[..], b',', START);
    assert_eq!(records[0].cells, vec!["a", "\"b, \"\"c"]);
}

#[test]
fn a_record_is_at_most_so_long() {
    let text = b"12345678\n123456789\n\"1\n2\n34\"\n\"1\n2\n345\"\n9\n";
    let records = read_from_everywhere(text, b',', 8);
    let found: Vec<_> = records.iter().map(|r| (r.place.line, code(r))).collect();
    let unclosed = "unclosed_quote";
    assert_eq!(found, [(1, ""), (2, "record_too_long"), (3, ""), (6, unclosed), (7, ""), (8, ""), (9, "")]);
}

#[test]
fn quotes_that_are_never_closed_cost_linear_time() {
    // Each line opens a quote, and closes and opens one when it is read within quotes.
    let text = "a\",\"\n".repeat(300_000);
    let records = Records::new(text.as_bytes(), b',', START);
    let mut count = 0;
    for record in records {
        assert_eq!(code(&record.unwrap()), "unclosed_quote");
        count += 1;
    }
    assert_eq!(count, 300_000);
}

#[test]
fn what_no_contact_can_hold_is_a_fault_of_its_row() {
    let long = "x".repeat(400 * 1024 + 1);
    let text = [b"a,\0\nb,\xff\nc,\xef\xbf\xbd\nd,", long.as_bytes(), b",e\nf"].concat();
    let records = read_from_everywhere(&text, b',', 1_000_000);
    let found: Vec<_> = records.iter().map(code).collect();
    assert_eq!(found, ["nul_character", "undecodable", "", "cell_too_long", ""]);
    assert_eq!(records[1].cells, vec!["b", "\u{fffd}"]);
    assert_eq!(records[2].cells, vec!["c", "\u{fffd}"]);
    assert_eq!(records[3].cells, vec!["d", "", "e"]);
    assert!(records[3].fault.as_ref().unwrap().detail.contains("cell 2 has 409601 bytes"));
}
