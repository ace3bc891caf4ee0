//! Multipart uploads that are under way: their headers and the parts received so far.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension as _, Transaction, params};
use uuid::Uuid;

use super::attributes::Headers;
use super::catalog::{Catalog, require_bucket};
use super::error::StorageError;

/// How long an upload may lie unfinished before a start of the process drops it.
const ABANDONED_AFTER: TimeDelta = TimeDelta::days(7);

/// Is a part that has arrived.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) number: i32,
    pub(super) content: String,
    pub(super) size_bytes: u64,
    /// The MD5 of the part in hex.
    pub(super) etag: String,
    pub(super) modified_ms: i64,
}

impl Catalog {
    /// Begins an upload and gives its id.
    pub(super) fn begin_upload(
        &self,
        bucket: &str,
        key: &str,
        headers: &Headers,
        now: DateTime<Utc>,
    ) -> Result<String, StorageError> {
        let (id, headers) = (Uuid::new_v4().simple().to_string(), serde_json::to_string(headers)?);
        self.write(|transaction| {
            require_bucket(transaction, bucket)?;
            transaction.execute(
                "INSERT INTO uploads (id, bucket, key, begun_ms, headers) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id, bucket, key, now.timestamp_millis(), headers],
            )?;
            Ok(())
        })?;
        Ok(id)
    }

    /// Records a part and gives the content file of the one it replaces.
    pub(super) fn add_part(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        part: &Part,
    ) -> Result<Option<String>, StorageError> {
        self.write(|transaction| {
            headers(transaction, bucket, key, upload)?;
            let replaced = transaction
                .query_row(
                    "SELECT content FROM parts WHERE upload = ?1 AND number = ?2",
                    params![upload, part.number],
                    |row| row.get(0),
                )
                .optional()?;
            transaction.execute(
                "INSERT OR REPLACE INTO parts (upload, number, content, size_bytes, etag, modified_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![upload, part.number, part.content, part.size_bytes, part.etag, part.modified_ms],
            )?;
            Ok(replaced)
        })
    }

    /// Reads an upload's headers and its parts in order.
    pub(super) fn upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
    ) -> Result<(Headers, Vec<Part>), StorageError> {
        self.write(|transaction| {
            Ok((headers(transaction, bucket, key, upload)?, parts(transaction, upload)?))
        })
    }

    /// Drops an upload and gives the content files of its parts.
    pub(super) fn abort_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
    ) -> Result<Vec<String>, StorageError> {
        self.write(|transaction| end(transaction, bucket, key, upload))
    }

    /// Drops the uploads that nobody will finish; the sweep then finds their files.
    pub(super) fn drop_abandoned_uploads(&self, now: DateTime<Utc>) -> Result<(), StorageError> {
        let limit = (now - ABANDONED_AFTER).timestamp_millis();
        self.write(|transaction| {
            transaction.execute("DELETE FROM uploads WHERE begun_ms < ?1", [limit])?;
            transaction.execute("DELETE FROM parts WHERE upload NOT IN (SELECT id FROM uploads)", [])?;
            Ok(())
        })
    }
}

/// Ends an upload and gives the content files of its parts.
pub(super) fn end(
    transaction: &Transaction<'_>,
    bucket: &str,
    key: &str,
    upload: &str,
) -> Result<Vec<String>, StorageError> {
    headers(transaction, bucket, key, upload)?;
    let contents = parts(transaction, upload)?.into_iter().map(|part| part.content).collect();
    transaction.execute("DELETE FROM parts WHERE upload = ?1", [upload])?;
    transaction.execute("DELETE FROM uploads WHERE id = ?1", [upload])?;
    Ok(contents)
}

fn headers(
    transaction: &Transaction<'_>,
    bucket: &str,
    key: &str,
    upload: &str,
) -> Result<Headers, StorageError> {
    require_bucket(transaction, bucket)?;
    let headers: Option<String> = transaction
        .query_row(
            "SELECT headers FROM uploads WHERE id = ?1 AND bucket = ?2 AND key = ?3",
            [upload, bucket, key],
            |row| row.get(0),
        )
        .optional()?;
    Ok(serde_json::from_str(&headers.ok_or(StorageError::NoSuchUpload)?)?)
}

fn parts(transaction: &Transaction<'_>, upload: &str) -> Result<Vec<Part>, StorageError> {
    let mut statement = transaction.prepare_cached(
        "SELECT number, content, size_bytes, etag, modified_ms FROM parts WHERE upload = ?1 ORDER BY number",
    )?;
    let parts = statement.query_map([upload], |row| {
        Ok(Part {
            number: row.get(0)?,
            content: row.get(1)?,
            size_bytes: row.get(2)?,
            etag: row.get(3)?,
            modified_ms: row.get(4)?,
        })
    })?;
    Ok(parts.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_that_nobody_finishes_is_dropped_after_a_week() {
        let catalog = Catalog::open(":memory:".as_ref()).unwrap();
        let now = Utc::now();
        catalog.create_bucket("bucket", now).unwrap();
        let old = catalog.begin_upload("bucket", "a", &Headers::default(), now - TimeDelta::days(8)).unwrap();
        let young = catalog.begin_upload("bucket", "a", &Headers::default(), now).unwrap();
        let part =
            Part { number: 1, content: "c".into(), size_bytes: 1, etag: String::new(), modified_ms: 0 };
        catalog.add_part("bucket", "a", &old, &part).unwrap();
        catalog.drop_abandoned_uploads(now).unwrap();
        assert!(matches!(catalog.upload("bucket", "a", &old), Err(StorageError::NoSuchUpload)));
        assert!(catalog.upload("bucket", "a", &young).is_ok());
        assert!(!catalog.names_content("c").unwrap());
    }
}
