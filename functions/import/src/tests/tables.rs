//! Tables read back as they were written, however they were written.

use std::io::Write;

use csv::{QuoteStyle, Terminator, WriterBuilder};
use flate2::Compression;
use flate2::write::GzEncoder;
use model::import::ImportOptions;
use proptest::prelude::*;
use proptest::sample::select;
use store::testing::MemoryObjects;
use store::{FileKind, Job, ObjectStore};
use uuid::Uuid;

use super::{files::encoded, now};
use crate::records::{Record, Records};
use crate::source;
use crate::survey::Survey;
use crate::text::read_through;

/// Reads a file as planning and then loading do.
async fn read(file: Vec<u8>) -> (Job, Survey, Vec<Record>) {
    let objects = MemoryObjects::default();
    let tenant = store::testing::tenant().id;
    let mut job = Job::new(Uuid::now_v7(), tenant, "f".into(), ImportOptions::default(), now());
    objects.put("source", "text/csv", file.into()).await.unwrap();
    job.source = objects.head("source").await.unwrap();
    job.source_key = Some("source".into());
    let survey = read_through(&objects, &mut job).await.unwrap();
    let names = survey.columns.iter().map(|(column, _)| column.clone());
    job.columns = names.map(|column| model::import::PlannedColumn { column, id: None }).collect();
    let text = source::open(&objects, &job, survey.first.offset).await.unwrap();
    let (layout, first, end) = (source::layout(&job).unwrap(), survey.first, survey.end_offset);
    let records = tokio::task::spawn_blocking(move || {
        let records = Records::new(text, layout, first).map(Result::unwrap);
        records.take_while(|record| record.place.offset < end).collect()
    });
    (job, survey, records.await.unwrap())
}

#[derive(Debug, Clone, Copy)]
enum Spelling {
    Csv { delimiter: char, quotes: QuoteStyle, sep_line: bool, title: bool },
    Ndjson,
}

fn spelled(table: &[Vec<String>], spelling: Spelling, line_end: &str) -> String {
    let Spelling::Csv { delimiter, quotes, sep_line, title } = spelling else {
        let (header, rows) = table.split_first().unwrap();
        let lines = rows.iter().map(|row| {
            let members = header.iter().zip(row).map(|(name, cell)| {
                format!("{}:{}", serde_json::to_string(name).unwrap(), serde_json::to_string(cell).unwrap())
            });
            format!("{{{}}}{line_end}", members.collect::<Vec<_>>().join(", "))
        });
        return lines.collect();
    };
    let terminator = match line_end {
        "\r\n" => Terminator::CRLF,
        end => Terminator::Any(end.as_bytes()[0]),
    };
    let mut csv = WriterBuilder::new()
        .delimiter(u8::try_from(delimiter).unwrap())
        .terminator(terminator)
        .quote_style(quotes)
        .from_writer(Vec::new());
    table.iter().for_each(|row| csv.write_record(row).unwrap());
    let text = String::from_utf8(csv.into_inner().unwrap()).unwrap();
    let sep_line = if sep_line { format!("sep={delimiter}{line_end}") } else { String::new() };
    let title = if title { format!("Leads of \"Spring\"{line_end}{line_end}") } else { String::new() };
    sep_line + &title + &text
}

fn packed(bytes: &[u8], members: usize) -> Vec<u8> {
    let mut file = Vec::new();
    for member in bytes.chunks(bytes.len().div_ceil(members)) {
        let mut encoder = GzEncoder::new(&mut file, Compression::fast());
        encoder.write_all(member).unwrap();
        encoder.finish().unwrap();
    }
    file
}

prop_compose! {
    /// Has a header, and cells as hostile as they come.
    fn table()(width in 2_usize..5)(
        rows in prop::collection::vec(prop::collection::vec(
            "[a-c ,;|\t\"\r\n=+@é漢\u{fffd}\u{feff}😀]{0,6}|sep=;|=1\\+1|\"[a\",\r\n]{0,4}|[ -~é]{0,12}",
            width - 1,
        ), 1..10),
    ) -> Vec<Vec<String>> {
        let width = rows[0].len();
        let header = std::iter::once("Email".to_owned()).chain((0..width).map(|n| format!("c{n}")));
        let rows = rows.into_iter().enumerate().map(|(number, cells)| {
            std::iter::once(format!("{number}@example.com")).chain(cells).collect()
        });
        std::iter::once(header.collect()).chain(rows).collect()
    }
}

fn spelling() -> impl Strategy<Value = Spelling> {
    let delimiters = vec![',', ';', '\t', '|'];
    let quotes = vec![QuoteStyle::Always, QuoteStyle::Necessary, QuoteStyle::NonNumeric];
    prop_oneof![
        4 => (select(delimiters), select(quotes), any::<bool>(), any::<bool>()).prop_map(
            |(delimiter, quotes, sep_line, title)| Spelling::Csv { delimiter, quotes, sep_line, title }
        ),
        1 => Just(Spelling::Ndjson),
    ]
}

proptest! {
    #[test]
    fn a_table_is_read_back_in_every_spelling_line_end_encoding_and_packing(
        mut table in table(),
        spelling in spelling(),
        line_end in select(vec!["\n", "\r\n", "\r"]),
        encoding in select(vec!["utf-8", "utf-16le", "utf-16be", "windows-1252"]),
        marked: bool,
        members in 0_usize..4,
    ) {
        if encoding == "windows-1252" {
            table.iter_mut().flatten().for_each(|cell| cell.retain(|c| c.is_ascii() || c == 'é'));
        }
        let text = spelled(&table, spelling, line_end);
        let bytes = encoded(&text, encoding, marked);
        let file = if members > 0 { packed(&bytes, members) } else { bytes };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (job, survey, records) = runtime.block_on(read(file));

        let expected = if encoding == "windows-1252" && text.is_ascii() { "utf-8" } else { encoding };
        let format = job.format.unwrap();
        prop_assert_eq!(format.encoding, expected);
        match spelling {
            Spelling::Csv { delimiter, .. } => prop_assert_eq!(format.delimiter, Some(delimiter)),
            Spelling::Ndjson => prop_assert_eq!((format.kind, format.delimiter), (FileKind::Ndjson, None)),
        }
        prop_assert_eq!(job.plain.is_some(), members > 0 || expected != "utf-8");
        prop_assert_eq!(survey.rows_total, table.len() as u64 - 1);
        let names: Vec<&String> = survey.columns.iter().map(|(column, _)| &column.name).collect();
        prop_assert_eq!(names, table[0].iter().collect::<Vec<_>>());
        prop_assert_eq!(records.len(), table.len() - 1);
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        for (number, (record, row)) in records.iter().zip(&table[1..]).enumerate() {
            prop_assert_eq!(record.cells.iter().collect::<Vec<_>>(), row.iter().collect::<Vec<_>>());
            prop_assert_eq!(&record.fault, &None);
            prop_assert_eq!(record.place.row, number as u64 + 1);
            let line = lines.lines().nth(usize::try_from(record.place.line).unwrap() - 1).unwrap();
            prop_assert!(line.contains(&row[0]), "{line}");
        }
    }
}
