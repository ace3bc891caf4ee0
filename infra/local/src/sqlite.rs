//! What all connections but the engine's own have in common.

use rusqlite::Connection;

/// In KiB, negative as SQLite wants it. The large cache with which this workspace builds SQLite is
/// for the engine; the others read in order, or little.
const CACHE: i64 = -2_048;

/// Lets a connection keep but few pages in memory.
pub(crate) fn with_small_cache(connection: Connection) -> rusqlite::Result<Connection> {
    connection.pragma_update(None, "cache_size", CACHE)?;
    Ok(connection)
}
