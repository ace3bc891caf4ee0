//! From the rows of a file to changes of contacts: options, columns, cells. No files here;
//! `functions/import` reads them.

mod cell;
mod column;
mod header;
mod opt_out;
mod options;
mod row;
mod target;

pub use column::{Column, ColumnFacts, FileRefusal, plan_columns, status_columns};
pub use options::{ColumnChoice, ImportOptions, OnBlank, UnmappedColumns};
pub use row::{CellFault, PlannedColumn, Row, RowReader, status_of};
pub use target::Target;
