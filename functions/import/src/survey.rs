//! The one pass over a whole file before any of it is applied.

use std::io::Read;

use model::AttributeType;
use model::import::{
    Column, ColumnFacts, FileRefusal, ImportOptions, PlannedColumn, RowReader, Target, plan_columns,
};
use roaring::RoaringBitmap;

use crate::records::{Place, ReadFault, Record, Records};
use crate::superseded::Sightings;
use crate::{dialect, report};

/// Holds what the pass found.
#[derive(Debug)]
pub(crate) struct Survey {
    pub delimiter: u8,
    /// Each column, with the type that all its cells agree on.
    pub columns: Vec<(Column, Option<AttributeType>)>,
    pub rows_total: u64,
    /// Where the first record after the header starts.
    pub first: Place,
    /// Valid rows with a valid row of the same address after them.
    pub superseded: RoaringBitmap,
}

/// Reads a whole file through, in the memory of one record and of [`Sightings`].
///
/// Only valid rows say what type a column has: the others are not applied, and one row with a
/// cell too many would otherwise make text of every column.
pub(crate) fn survey(mut source: impl Read, options: &ImportOptions) -> Result<Survey, ReadFault> {
    let mut sample = Vec::new();
    source.by_ref().take(dialect::SAMPLE_BYTES).read_to_end(&mut sample).map_err(ReadFault::Io)?;
    let text_start = dialect::text_start(&sample).map_err(ReadFault::Refused)?;
    let text = sample.get(text_start..).unwrap_or_default();
    let delimiter = dialect::delimiter(text);
    let start = Place { offset: text_start as u64, row: 0, line: 1 };
    let mut records = Records::new(text.chain(source), delimiter, start);

    let header = records.next().transpose()?.ok_or_else(|| empty("the file is empty"))?;
    let header: Vec<String> = header.cells.iter().map(|cell| cell.trim().to_owned()).collect();
    let options = report::options_for(&header, options);
    let mut facts = vec![ColumnFacts::default(); header.len()];
    let provisional = provisional_reader(&header, &options, &facts)?;

    let mut sightings = Sightings::new();
    let mut rows_total = 0;
    let mut first = None;
    for record in records.by_ref() {
        let Record { place, cells } = record?;
        first.get_or_insert(place);
        rows_total = place.row;
        let row_number = u32::try_from(place.row).map_err(|_| too_many_rows())?;
        if let Ok(row) = provisional.read(cells.iter()) {
            sightings.see(&row.email, row_number);
            facts.iter_mut().zip(&cells).for_each(|(facts, cell)| facts.observe(cell));
        }
    }
    let first = first.ok_or_else(|| empty("the file has a header and no records"))?;
    if records.ends_in_a_quote() {
        return Err(ReadFault::Refused(FileRefusal::new(
            "unclosed_quote",
            "a quote is opened in the last record and never closed; close it, or double it inside a cell",
        )));
    }
    let columns = plan_columns(&header, &options, &facts).map_err(ReadFault::Refused)?;
    let columns = columns.into_iter().zip(facts.iter().map(ColumnFacts::kind)).collect();
    Ok(Survey { delimiter, columns, rows_total, first, superseded: sightings.superseded() })
}

/// Reads rows far enough to tell valid ones, before the file's columns are known for good.
///
/// INVARIANT: it finds the same rows valid as the final reader does. Attributes never make a row
/// invalid, so their missing ids do not matter. Of the other fields only a status that nobody
/// asked for depends on the cells: it is ours only if every cell is one, and then none is at
/// fault; so it is left out here.
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
    Ok(RowReader::new(columns.collect(), options))
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
