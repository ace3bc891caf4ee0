//! The file of a run, and what must come of it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use crate::BenchError;
use crate::rows::{HEADER, Kind, Rows};

/// Rows that are formatted together.
const AT_ONCE: u64 = 1_000;

/// Says what must come of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// For each row number the row that counts for its address; none where it has no address of
    /// its own.
    pub owners: Vec<Option<u32>>,
    /// Contacts.
    pub created: u64,
    /// Rows that a later one supersedes.
    pub duplicate: u64,
    /// Rows without a good address.
    pub invalid: u64,
}

impl Expected {
    /// Works out what must come of rows.
    pub fn of(rows: &Rows) -> Self {
        let mut expected = Self::default();
        for row in 0..rows.count {
            let number = u32::try_from(row).ok();
            let owner = match rows.kind(row) {
                Kind::Fresh => {
                    expected.created += 1;
                    number
                }
                Kind::Bad => {
                    expected.invalid += 1;
                    None
                }
                Kind::Duplicate(earlier) => {
                    expected.duplicate += 1;
                    if let Some(owner) = expected.owners.get_mut(earlier as usize) {
                        *owner = number;
                    }
                    None
                }
            };
            expected.owners.push(owner);
        }
        expected
    }
}

/// Writes the file.
pub fn write(rows: &Rows, path: &Path) -> Result<u64, BenchError> {
    let failed = BenchError::system;
    let mut file = File::create(path).map_err(failed("cannot make the file"))?;
    let mut csv = HEADER.to_owned();
    for first in (0..rows.count).step_by(AT_ONCE as usize) {
        (first..rows.count.min(first + AT_ONCE)).for_each(|row| rows.write(row, &mut csv));
        file.write_all(csv.as_bytes()).map_err(failed("cannot write the file"))?;
        csv.clear();
    }
    Ok(file.metadata().map_err(failed("cannot measure the file"))?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_expected_in_one_count() {
        let rows = Rows { count: 3_000, seed: 3, duplicates: 0.2, bad: 0.1 };
        let expected = Expected::of(&rows);
        assert_eq!(expected.created + expected.duplicate + expected.invalid, rows.count);
        let owners = expected.owners.iter().flatten().count() as u64;
        assert_eq!(owners, expected.created);
    }
}
