//! The cure of the engine's stream log.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::sqlite::with_small_cache;

/// What the engine asks of its log at every write (the last sequence number of a table) and
/// at every `GetRecords` (a table has one shard). One index and no more: each is one page more
/// that every write writes.
pub(super) const INDEX: &str = "
CREATE INDEX IF NOT EXISTS leads_stream_last
  ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
";

/// DynamoDB keeps stream records for 24 hours.
const RETENTION_SECONDS: u32 = 24 * 60 * 60;

/// Records in one bite: some milliseconds, for which writers wait.
pub(super) const BITE: usize = 500;

/// The engine waits for the lock as long, too.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Tells whether a connection, the engine's too, starts with `synchronous=NORMAL`.
pub(super) fn syncs_at_checkpoints(file: &Path) -> rusqlite::Result<bool> {
    const NORMAL: i64 = 1;
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Only a connection that has read knows that the file has a write-ahead log.
    connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
    Ok(connection.query_row("PRAGMA synchronous", (), |row| row.get::<_, i64>(0))? == NORMAL)
}

/// Opens a second connection to the engine's file and indexes the log.
pub(super) fn cure(file: &Path) -> rusqlite::Result<Connection> {
    let connection = with_small_cache(Connection::open(file)?)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.execute_batch(INDEX)?;
    Ok(connection)
}

/// Deletes one bite of the records that have had their time and tells how many that were. The
/// oldest have the lowest ids.
pub(super) fn prune(connection: &Connection) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM _stream_records WHERE id IN
               (SELECT id FROM (SELECT id, created_at FROM _stream_records ORDER BY id LIMIT ?2)
                WHERE created_at < unixepoch() - ?1)",
        )?
        .execute((RETENTION_SECONDS, BITE))
}
