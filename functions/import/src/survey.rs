//! The one pass over the records of a file before any of them is applied.

use std::collections::BTreeMap;
use std::io::Read;

use model::AttributeType;
use model::import::{
    Column, ColumnFacts, FileRefusal, ImportOptions, PlannedColumn, RowReader, Target, plan_columns,
    status_columns, status_of,
};

use crate::dialect::{HEADER_WITHIN, MAX_FOOTERS, is_footer, is_header, names, not_text};
use crate::records::{Layout, Place, ReadFault, Record, Records};
use crate::report;
use crate::superseded::{OptOuts, Sightings, Superseded};

/// Columns and the bytes of their names go into the import's own record, which holds 400 KB.
pub(crate) const MAX_COLUMNS: usize = 2_000;
const MAX_HEADER_BYTES: usize = 100 * 1024;

/// Holds what the pass found.
#[derive(Debug)]
pub(crate) struct Survey {
    /// Each column, with the type that all its cells agree on.
    pub columns: Vec<(Column, Option<AttributeType>)>,
    pub rows_total: u64,
    /// Where the first record after the header starts.
    pub first: Place,
    /// The byte behind the last record that counts.
    pub end_offset: u64,
    pub superseded: Superseded,
}

/// Reads a whole file through, in the memory of one record and of [`Sightings`]. The `source`
/// starts at `start`.
///
/// Only valid rows say what type a column has: the others are not applied, and one row with a
/// cell too many would otherwise make text of every column.
pub(crate) fn survey(
    source: impl Read,
    layout: Layout,
    start: Place,
    options: &ImportOptions,
) -> Result<Survey, ReadFault> {
    let keys = if let Layout::Ndjson(keys) = &layout { Some(keys.names().to_vec()) } else { None };
    let is_csv = keys.is_none();
    let mut records = Records::new(source, layout, start);
    let header = match keys {
        Some(names) => names,
        None => header(&mut records, options)?,
    };
    records.count_from_here();
    check_size(&header)?;
    let options = report::options_for(&header, options);
    let mut facts = vec![ColumnFacts::default(); header.len()];
    let provisional = provisional_reader(&header, &options, &facts)?;

    let mut sightings = Sightings::new();
    let mut opt_outs = OptOuts::default();
    // A column of that name is our status only if all its cells are; the end of the file tells.
    let mut by_status: BTreeMap<usize, OptOuts> =
        status_columns(&header).map(|index| (index, OptOuts::default())).collect();
    let mut rows_total = 0;
    let mut first = None;
    let mut footer: Option<Place> = None;
    for record in records.by_ref() {
        let record = record?;
        let place = record.place;
        first.get_or_insert(place);
        rows_total = place.row;
        footer = (is_csv && is_footer(&record, header.len())).then(|| footer.unwrap_or(place));
        let row_number = u32::try_from(place.row).map_err(|_| too_many_rows())?;
        if record.fault.is_none()
            && let Ok(row) = provisional.read(record.cells.iter())
        {
            let earlier = sightings.see(&row.email, row_number);
            opt_outs.note(row_number, earlier, row.change.status);
            for (index, opt_outs) in &mut by_status {
                let said = record.cells.get(*index).and_then(status_of);
                opt_outs.note(row_number, earlier, said);
            }
            facts.iter_mut().zip(&record.cells).for_each(|(facts, cell)| facts.observe(cell));
        }
    }
    let mut end_offset = records.place().offset;
    if let Some(place) = footer.filter(|place| rows_total - place.row < MAX_FOOTERS) {
        rows_total = place.row - 1;
        end_offset = place.offset;
    }
    let first = first.filter(|_| rows_total > 0);
    let first = first.ok_or_else(|| empty("the file has a header and no records"))?;
    let columns = plan_columns(&header, &options, &facts).map_err(ReadFault::Refused)?;
    for (index, by_status) in by_status {
        if columns.get(index).is_some_and(|column| column.field == Some(Target::Status)) {
            opt_outs.add(&by_status);
        }
    }
    let columns = columns.into_iter().zip(facts.iter().map(ColumnFacts::kind)).collect();
    let superseded = Superseded { rows: sightings.superseded(), opt_outs };
    Ok(Survey { columns, rows_total, first, end_offset, superseded })
}

/// Finds the header. A file in which no record is one is refused for what its first record lacks.
fn header(records: &mut Records<impl Read>, options: &ImportOptions) -> Result<Vec<String>, ReadFault> {
    let mut first = None;
    for record in records.by_ref().take(HEADER_WITHIN) {
        let record = record?;
        if record.fault.as_ref().is_some_and(|fault| fault.code == "nul_character") {
            return Err(ReadFault::Refused(not_text("binary")));
        }
        if is_header(&record, options) {
            return Ok(names(&record));
        }
        first.get_or_insert(record);
    }
    let first: Record = first.ok_or_else(|| empty("the file is empty"))?;
    if let Some(fault) = first.fault {
        let detail = format!("line {}: {}", first.place.line, fault.detail);
        return Err(ReadFault::Refused(FileRefusal::new(fault.code, detail)));
    }
    Ok(names(&first))
}

fn check_size(header: &[String]) -> Result<(), ReadFault> {
    let bytes: usize = header.iter().map(String::len).sum();
    if header.len() <= MAX_COLUMNS && bytes <= MAX_HEADER_BYTES {
        return Ok(());
    }
    Err(ReadFault::Refused(FileRefusal::new(
        "too_many_columns",
        format!(
            "the file has {} columns with names of {bytes} bytes, over {MAX_COLUMNS} and \
             {MAX_HEADER_BYTES}; leave some out",
            header.len()
        ),
    )))
}

/// Reads rows far enough to tell valid ones, before the file's columns are known for good.
///
/// INVARIANT: it finds the same rows valid as the final reader does. Attributes never make a row
/// invalid, so their missing ids do not matter. Of the other fields only a status that nobody
/// asked for depends on the cells: it is ours only if every cell is one, and then none is at
/// fault; so it is left out here. So is the status that was asked for the whole file, which is
/// nobody's own word.
fn provisional_reader(
    header: &[String],
    options: &ImportOptions,
    facts: &[ColumnFacts],
) -> Result<RowReader, ReadFault> {
    let columns = plan_columns(header, options, facts).map_err(ReadFault::Refused)?;
    let columns = columns.into_iter().map(|mut column| {
        let is_asked = options.mapping.get(&column.name).is_some_and(|choice| choice.field.is_some());
        if column.field == Some(Target::Status) && !is_asked {
            column.field = None;
        }
        PlannedColumn { column, id: None }
    });
    let options = ImportOptions { status: None, ..options.clone() };
    Ok(RowReader::new(columns.collect(), &options).cursory())
}

fn empty(detail: &str) -> ReadFault {
    ReadFault::Refused(FileRefusal::new("empty_file", format!("{detail}; there is nothing to import")))
}

fn too_many_rows() -> ReadFault {
    ReadFault::Refused(FileRefusal::new(
        "too_many_rows",
        format!("the file has more than {} records; split it", u32::MAX),
    ))
}
