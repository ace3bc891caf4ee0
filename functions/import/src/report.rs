//! The reports: a CSV of the bad rows as they were, that can be mended and imported again, and a
//! CSV of what was left out of rows that were applied.
//!
//! Both hold the cells of the file unaltered, also one that starts with `=`, `+`, `-` or `@`,
//! which a spreadsheet may take for a formula. A guard before it would come back as a part of the
//! value when the mended report is imported, and `+1 415 …` or `-5` are ordinary values. Whoever
//! opens a report sees what was in the file, no more and no less.

use bytes::Bytes;
use csv::{StringRecord, Writer, WriterBuilder};
use model::import::{CellFault, ImportOptions, PlannedColumn};
use store::StoreError;

use crate::records::{Place, Record};

/// Go before the file's own columns.
const COLUMNS: [&str; 5] = ["line", "row", "code", "field", "message"];

/// Is a row that was not applied, with all that is wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct BadRow {
    pub record: Record,
    pub faults: Vec<CellFault>,
}

/// Writes the first line of an error report.
pub(crate) fn header(columns: &[PlannedColumn]) -> Result<Bytes, StoreError> {
    let names = columns.iter().map(|planned| planned.column.name.as_str()).skip(own_columns(columns));
    written(|csv| csv.write_record(COLUMNS.into_iter().chain(names)))
}

/// Writes the lines of some bad rows. Equal rows give equal bytes, so that a part which is
/// written again is the same part.
pub(crate) fn lines(columns: &[PlannedColumn], bad: &[BadRow]) -> Result<Bytes, StoreError> {
    let own = own_columns(columns);
    written(|csv| bad.iter().try_for_each(|row| csv.write_record(&line(row, own))))
}

/// Is what was left out of a row that was applied, and why.
#[derive(Debug, Clone)]
pub(crate) struct Warning {
    pub place: Place,
    /// The cell as it was.
    pub value: String,
    pub fault: CellFault,
}

/// Writes the first line of a warning report.
pub(crate) fn warning_header() -> Result<Bytes, StoreError> {
    written(|csv| csv.write_record(["line", "row", "code", "field", "value", "message"]))
}

/// Writes the lines of some warnings; equal ones give equal bytes.
pub(crate) fn warning_lines(warnings: &[Warning]) -> Result<Bytes, StoreError> {
    written(|csv| {
        warnings.iter().try_for_each(|Warning { place, value, fault }| {
            let (line, row) = (place.line.to_string(), place.row.to_string());
            let message = &fault.invalid.detail;
            csv.write_record([&line, &row, fault.invalid.code, &fault.field, value, message])
        })
    })
}

/// Leaves the columns of a report that comes back out, unless somebody asked for one.
pub(crate) fn options_for(header: &[String], options: &ImportOptions) -> ImportOptions {
    let mut options = options.clone();
    if is_report(header.iter().map(String::as_str)) {
        for column in COLUMNS {
            options.mapping.entry(column.to_owned()).or_default();
        }
    }
    options
}

fn is_report<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    names.take(COLUMNS.len()).eq(COLUMNS)
}

/// Counts the columns that an earlier report put before the file's own: they go out again, or a
/// report of a mended report would have them twice.
fn own_columns(columns: &[PlannedColumn]) -> usize {
    let names = columns.iter().map(|planned| planned.column.name.as_str());
    if is_report(names) { COLUMNS.len() } else { 0 }
}

fn line(bad: &BadRow, own: usize) -> StringRecord {
    let place = bad.record.place;
    let (code, field) = match bad.faults.first() {
        Some(fault) => (fault.invalid.code, fault.field.as_str()),
        None => ("", ""),
    };
    let message = match bad.faults.as_slice() {
        [only] => only.invalid.to_string(),
        several => several.iter().map(with_field).collect::<Vec<_>>().join("; "),
    };
    let mut line =
        StringRecord::from(vec![&place.line.to_string(), &place.row.to_string(), code, field, &message]);
    bad.record.cells.iter().skip(own).for_each(|cell| line.push_field(cell));
    line
}

fn with_field(fault: &CellFault) -> String {
    if fault.field.is_empty() {
        return fault.invalid.to_string();
    }
    format!("{}: {}", fault.field, fault.invalid)
}

fn written(write: impl FnOnce(&mut Writer<Vec<u8>>) -> csv::Result<()>) -> Result<Bytes, StoreError> {
    let mut csv = WriterBuilder::new().flexible(true).from_writer(Vec::new());
    write(&mut csv).map_err(|e| StoreError::Refused(Box::new(e)))?;
    let content = csv.into_inner().map_err(|e| StoreError::Refused(Box::new(e.into_error())))?;
    Ok(content.into())
}
