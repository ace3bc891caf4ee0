//! What holds of every file, whatever its bytes: for the fuzz target and its corpus.

use model::import::ImportOptions;

use crate::dialect::{Dialect, SAMPLE_BYTES};
use crate::encoding::rewrite;
use crate::ndjson::Keys;
use crate::records::{Layout, Place, Record, Records};
use crate::survey::survey;
use crate::text::look;

/// So small that a short file has records that are too long.
const MAX_RECORD_BYTES: usize = 256;
/// Reading from every record costs the square of their number.
const RECORDS_TO_START_FROM: usize = 64;

/// Reads a file as planning and loading do.
///
/// # Panics
/// If places do not increase, if reading on from a record gives other records than reading up to
/// it, or if loaders would not meet as many rows as planning counted.
pub fn check(file: &[u8]) {
    let Ok(look) = look(file) else { return };
    let mut text = Vec::new();
    let put = |chunk: Vec<u8>| {
        text.extend(chunk);
        true
    };
    rewrite(look.unpack(file), look.encoding, put).expect("it was unpacked before");
    let options = ImportOptions::default();
    let sample = text.get(..text.len().min(SAMPLE_BYTES)).unwrap_or_default();
    let dialect = Dialect::of(sample, &options);
    let start = dialect.start;
    let from = |place: Place| {
        let offset = usize::try_from(place.offset).unwrap_or(usize::MAX);
        text.get(offset..).expect("a place is in the text")
    };
    let layout = match dialect.delimiter {
        Some(delimiter) => Layout::Csv(delimiter),
        None => match Keys::of(from(start), start) {
            Ok(keys) => keys.into(),
            Err(_) => return,
        },
    };

    let read = |place: Place| -> Vec<Record> {
        let records = Records::with_limit(from(place), layout.clone(), place, MAX_RECORD_BYTES);
        records.map(|record| record.expect("nothing refuses bytes")).collect()
    };
    let records = read(start);
    let places: Vec<Place> = records.iter().map(|record| record.place).collect();
    assert!(places.is_sorted_by(|a, b| a.offset < b.offset && a.line < b.line && a.row + 1 == b.row));
    for (number, place) in places.iter().enumerate().take(RECORDS_TO_START_FROM) {
        assert_eq!(Some(read(*place).as_slice()), records.get(number..));
    }

    let Ok(survey) = survey(from(start), layout.clone(), start, &options) else { return };
    let loaded = Records::new(from(survey.first), layout, survey.first)
        .map(|record| record.expect("nothing refuses bytes").place)
        .take_while(|place| place.offset < survey.end_offset);
    assert_eq!(loaded.last().map(|place| place.row), Some(survey.rows_total));
    assert!(survey.superseded.rows.max().is_none_or(|row| u64::from(row) < survey.rows_total));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_invariants_hold_of_every_file_of_the_corpus() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/reader");
        let files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() > 20);
        for file in files {
            super::check(&std::fs::read(file).unwrap());
        }
    }

    proptest::proptest! {
        #[test]
        fn the_invariants_hold_of_any_bytes(
            file in "(email,a\r?[\n\r]|\\{\"email\":1\\}\n)?[a@\",;=\\{\\}:\r\n \\x00é]{0,80}",
        ) {
            super::check(file.as_bytes());
        }
    }
}
