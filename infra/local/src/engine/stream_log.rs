//! The engine's stream log, read in order and beside the engine: a reader of its own holds up no
//! writer.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::streams::BUSY_TIMEOUT;
use crate::sqlite::with_small_cache;

/// The plus keeps SQLite from the index that begins with the table's name: by that it would read,
/// and sort, the whole log each time.
const READ: &str = "
SELECT id, event_id, event_name, sequence_number, created_at, keys_json, new_image, old_image
FROM _stream_records WHERE id > ?1 AND +table_name = ?2 ORDER BY id LIMIT ?3";

/// Reads what changed in a table; clones share one connection.
#[derive(Clone)]
pub struct StreamLog {
    table: String,
    connection: Arc<Mutex<Connection>>,
}

/// Is one change of one item. No `Debug`: the images hold personal data.
#[derive(Clone)]
pub struct StreamRecord {
    /// Its place in the log, which has no order but this.
    pub position: i64,
    /// The identity that consumers see.
    pub event_id: String,
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: String,
    /// The engine's number of the record.
    pub sequence_number: String,
    /// When it happened, in seconds since 1970.
    pub created_at: i64,
    /// The item's key, as DynamoDB JSON like both images.
    pub keys: String,
    /// The item after the change, unless it is gone.
    pub new_image: Option<String>,
    /// The item before the change, unless it is new.
    pub old_image: Option<String>,
}

impl fmt::Debug for StreamLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamLog").field("table", &self.table).finish_non_exhaustive()
    }
}

impl StreamLog {
    /// Opens the log of a table in the engine's file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn open(file: &Path, table: &str) -> rusqlite::Result<Self> {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let connection = with_small_cache(connection)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(Self { table: table.to_owned(), connection: Arc::new(Mutex::new(connection)) })
    }

    /// Names the table.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Reads up to `limit` records after a position, the oldest first. Blocks.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn after(&self, position: i64, limit: usize) -> rusqlite::Result<Vec<StreamRecord>> {
        // A panic in between leaves a connection that is as good as before: it only reads.
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection
            .prepare_cached(READ)?
            .query_map((position, &self.table, limit), |row| {
                let sequence_number: String = row.get(3)?;
                Ok(StreamRecord {
                    position: row.get(0)?,
                    event_id: row.get::<_, Option<_>>(1)?.unwrap_or_else(|| sequence_number.clone()),
                    event_name: row.get(2)?,
                    created_at: row.get(4)?,
                    keys: row.get(5)?,
                    new_image: row.get(6)?,
                    old_image: row.get(7)?,
                    sequence_number,
                })
            })?
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::streams;

    #[test]
    fn the_log_is_read_from_a_place_on_and_never_from_its_beginning() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE _stream_records (id INTEGER PRIMARY KEY AUTOINCREMENT, event_id, event_name,
                   sequence_number, created_at, keys_json, new_image, old_image, table_name)",
            )
            .unwrap();
        connection.execute_batch(streams::INDEX).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {READ}")).unwrap();
        let plan = plan.query_map((5, "contacts", 9), |row| row.get::<_, String>(3)).unwrap();
        let plan: Vec<String> = plan.collect::<Result<_, _>>().unwrap();
        assert_eq!(plan, ["SEARCH _stream_records USING INTEGER PRIMARY KEY (rowid>?)"]);
    }
}
