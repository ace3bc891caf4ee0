//! The metadata of all objects: one SQLite file, one connection, short transactions.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use super::attributes::Object;
use super::condition::WriteCondition;
use super::error::StorageError;
use crate::sqlite::with_small_cache;

/// Keys are compared as UTF-8 bytes (SQLite's default collation), the order S3 lists them in.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS buckets (
        name TEXT NOT NULL PRIMARY KEY,
        created_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS objects (
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        content TEXT NOT NULL UNIQUE,
        size_bytes INTEGER NOT NULL,
        etag TEXT NOT NULL,
        modified_ms INTEGER NOT NULL,
        headers TEXT NOT NULL,
        checksums TEXT NOT NULL,
        PRIMARY KEY (bucket, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS uploads (
        id TEXT NOT NULL PRIMARY KEY,
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        begun_ms INTEGER NOT NULL,
        headers TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS parts (
        upload TEXT NOT NULL,
        number INTEGER NOT NULL,
        content TEXT NOT NULL UNIQUE,
        size_bytes INTEGER NOT NULL,
        etag TEXT NOT NULL,
        modified_ms INTEGER NOT NULL,
        PRIMARY KEY (upload, number)
    ) STRICT, WITHOUT ROWID;";

/// The columns that [`object`] reads, in its order.
pub(super) const OBJECT_COLUMNS: &str = "key, content, size_bytes, etag, modified_ms, headers, checksums";

/// Keeps the metadata. Every call blocks for a short while.
#[derive(Debug)]
pub(super) struct Catalog {
    connection: Mutex<Connection>,
}

impl Catalog {
    /// Opens the database, making it where it is missing.
    pub(super) fn open(path: &Path) -> Result<Self, StorageError> {
        let connection = with_small_cache(Connection::open(path)?)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // FULL, not NORMAL: replaced content is removed right after the commit, so a commit
        // that a power cut takes back would leave a row without its file. A write syncs its
        // content anyway; this is one sync more.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Locks the connection. A panic in another holder has rolled its transaction back,
    /// so the connection is sound.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a bucket; one that exists stays as it is.
    pub(super) fn create_bucket(&self, name: &str, now: DateTime<Utc>) -> Result<(), StorageError> {
        self.connection().execute(
            "INSERT INTO buckets (name, created_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![name, now.timestamp_millis()],
        )?;
        Ok(())
    }

    /// Lists the buckets and when they were made, in milliseconds.
    pub(super) fn buckets(&self) -> Result<Vec<(String, i64)>, StorageError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT name, created_ms FROM buckets ORDER BY name")?;
        let buckets = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(buckets.collect::<Result<_, _>>()?)
    }

    /// Fails unless the bucket exists.
    pub(super) fn require_bucket(&self, name: &str) -> Result<(), StorageError> {
        require_bucket(&self.connection(), name)
    }

    /// Reads one object.
    pub(super) fn object(&self, bucket: &str, key: &str) -> Result<Object, StorageError> {
        let connection = self.connection();
        match find(&connection, bucket, key)? {
            Some(object) => Ok(object),
            None => Err(require_bucket(&connection, bucket).err().unwrap_or(StorageError::NoSuchKey)),
        }
    }

    /// Makes an object visible if the condition holds, ends its upload if it has one, and
    /// gives the names of the content files that this has made useless.
    pub(super) fn publish(
        &self,
        bucket: &str,
        object: &Object,
        condition: &WriteCondition,
        upload: Option<&str>,
    ) -> Result<Vec<String>, StorageError> {
        let (headers, checksums) =
            (serde_json::to_string(&object.headers)?, serde_json::to_string(&object.checksums)?);
        self.write(|transaction| {
            require_bucket(transaction, bucket)?;
            let mut replaced = Vec::new();
            if let Some(upload) = upload {
                replaced = super::uploads::end(transaction, bucket, &object.key, upload)?;
            }
            let present = find(transaction, bucket, &object.key)?;
            condition.check(present.as_ref().map(|present| present.etag.as_str()))?;
            replaced.extend(present.map(|present| present.content));
            transaction
                .prepare_cached(&format!(
                    "INSERT OR REPLACE INTO objects (bucket, {OBJECT_COLUMNS})
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                ))?
                .execute(params![
                    bucket,
                    object.key,
                    object.content,
                    object.size_bytes,
                    object.etag,
                    object.modified_ms,
                    headers,
                    checksums
                ])?;
            Ok(replaced)
        })
    }

    /// Removes objects, where they exist, and gives the names of their content files.
    /// All or none: a condition that fails for one key keeps the others too.
    pub(super) fn delete<'a>(
        &self,
        bucket: &str,
        keys: impl IntoIterator<Item = &'a str>,
        condition: &WriteCondition,
    ) -> Result<Vec<String>, StorageError> {
        self.write(|transaction| {
            require_bucket(transaction, bucket)?;
            let mut removed = Vec::new();
            for key in keys {
                let present = find(transaction, bucket, key)?;
                condition.check(present.as_ref().map(|present| present.etag.as_str()))?;
                transaction
                    .prepare_cached("DELETE FROM objects WHERE bucket = ?1 AND key = ?2")?
                    .execute([bucket, key])?;
                removed.extend(present.map(|present| present.content));
            }
            Ok(removed)
        })
    }

    /// Tells whether a row names this content file.
    pub(super) fn names_content(&self, content: &str) -> Result<bool, StorageError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM objects WHERE content = ?1)
                 OR EXISTS (SELECT 1 FROM parts WHERE content = ?1)",
        )?;
        Ok(statement.query_row([content], |row| row.get(0))?)
    }

    /// Runs a write in one transaction, rolled back when it fails.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

/// Fails unless the bucket exists.
pub(super) fn require_bucket(connection: &Connection, name: &str) -> Result<(), StorageError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM buckets WHERE name = ?1")?;
    if statement.exists([name])? { Ok(()) } else { Err(StorageError::NoSuchBucket) }
}

fn find(connection: &Connection, bucket: &str, key: &str) -> Result<Option<Object>, StorageError> {
    connection
        .prepare_cached(&format!("SELECT {OBJECT_COLUMNS} FROM objects WHERE bucket = ?1 AND key = ?2"))?
        .query_row([bucket, key], |row| Ok(object(row)))
        .optional()?
        .transpose()
}

/// Reads an object from a row of [`OBJECT_COLUMNS`].
pub(super) fn object(row: &Row<'_>) -> Result<Object, StorageError> {
    Ok(Object {
        key: row.get(0)?,
        content: row.get(1)?,
        size_bytes: row.get(2)?,
        etag: row.get(3)?,
        modified_ms: row.get(4)?,
        headers: serde_json::from_str(row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?)?,
        checksums: serde_json::from_str(row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?)?,
    })
}
