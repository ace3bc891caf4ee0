//! Joins content, metadata and notifications: the order of steps that a crash cannot break.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::attributes::{Checksums, Headers, Object};
use super::catalog::Catalog;
use super::condition::WriteCondition;
use super::content::Contents;
use super::error::StorageError;
use super::event::{EventName, ObjectCreated};
use super::notify::{Notifications, Notify, Ticket};

/// Stores objects under one directory, which it holds locked.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) catalog: Catalog,
    pub(super) contents: Contents,
    notifications: Option<Notifications>,
    /// The last sequencer given out. Held while an object is published, so that
    /// notifications, sequencers and visibility have one order.
    last_sequence: Mutex<i64>,
    /// INVARIANT: a second process would sweep the content that this one is publishing.
    _lock: File,
}

/// Is an object whose content is durable and that is not visible yet.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) content: String,
    pub(super) size_bytes: u64,
    pub(super) etag: String,
    pub(super) headers: Headers,
    pub(super) checksums: Checksums,
    pub(super) condition: WriteCondition,
    pub(super) event_name: EventName,
    /// The multipart upload that ends with it.
    pub(super) upload: Option<String>,
}

impl Storage {
    /// Opens the store, making it where it is missing, and clears what a crash has left.
    pub(super) fn open(directory: &Path, notifications: Option<Notifications>) -> Result<Self, StorageError> {
        std::fs::create_dir_all(directory)?;
        let lock = File::create(directory.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StorageError::InUse,
            TryLockError::Error(error) => StorageError::Content(error),
        })?;
        let catalog = Catalog::open(&directory.join("catalog.sqlite"))?;
        let contents = Contents::open(directory)?;
        catalog.drop_abandoned_uploads(Utc::now())?;
        let removed = contents.sweep(|name| catalog.names_content(name))?;
        if removed > 0 {
            tracing::info!(objects.swept = removed, "removed content files without an object");
        }
        Ok(Self { catalog, contents, notifications, last_sequence: Mutex::new(0), _lock: lock })
    }

    /// Makes an object visible and sends its notification: announce, switch, confirm.
    pub(super) fn publish(&self, publication: Publication) -> Result<Object, StorageError> {
        let Publication { bucket, key, content, size_bytes, etag, headers, checksums, .. } = publication;
        let (condition, upload) = (publication.condition, publication.upload.as_deref());
        let mut last = self.last_sequence.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Utc::now();
        *last = next_sequence(*last, now);
        let created = ObjectCreated {
            bucket: bucket.clone(),
            key: key.clone(),
            size_bytes,
            etag: etag.clone(),
            event_name: publication.event_name,
            event_time: now,
            sequencer: format!("{:016X}", *last),
        };
        let modified_ms = now.timestamp_millis();
        let object = Object { key, content, size_bytes, etag, modified_ms, headers, checksums };

        let announced = match self.announce(&created) {
            Ok(announced) => announced,
            Err(error) => {
                self.contents.remove([object.content]);
                return Err(error);
            }
        };
        match self.catalog.publish(&bucket, &object, &condition, upload) {
            Ok(replaced) => {
                let confirmed = announced.map_or(Ok(()), |(listener, ticket)| listener.confirm(ticket));
                drop(last);
                self.contents.remove(replaced);
                confirmed.map_err(StorageError::Notify)?;
                Ok(object)
            }
            // A commit that failed may still be in the journal: the notification stays
            // held and the file stays; the next start releases the one, sweeps the other.
            Err(error @ StorageError::Catalog(_)) => Err(error),
            Err(refusal) => {
                if let Some((listener, ticket)) = announced
                    && let Err(error) = listener.withdraw(ticket)
                {
                    tracing::error!(error = %error, "notification of an unpublished object not withdrawn");
                }
                self.contents.remove([object.content]);
                Err(refusal)
            }
        }
    }

    fn announce(&self, created: &ObjectCreated) -> Result<Option<(&dyn Notify, Ticket)>, StorageError> {
        let listener = self.notifications.as_ref().and_then(|all| all.listener(&created.key));
        let Some(listener) = listener else { return Ok(None) };
        let ticket = listener.announce(created).map_err(StorageError::Notify)?;
        Ok(Some((listener, ticket)))
    }

    /// Opens the present content of an object together with its metadata, if `check` does
    /// not object to the latter.
    pub(super) fn read<E: From<StorageError>>(
        &self,
        bucket: &str,
        key: &str,
        check: impl Fn(&Object) -> Result<(), E>,
    ) -> Result<(Object, File), E> {
        self.with_content(bucket, key, check, |content| self.contents.read(content))
    }

    /// Gives the present content of an object a second name, for the copy, in the same way.
    pub(super) fn link(
        &self,
        bucket: &str,
        key: &str,
        target_bucket: &str,
        target_key: &str,
        check: impl Fn(&Object) -> Result<(), StorageError>,
    ) -> Result<(Object, String), StorageError> {
        self.catalog.require_bucket(target_bucket)?;
        self.with_content(bucket, key, check, |content| {
            self.contents.link(content, target_bucket, target_key)
        })
    }

    fn with_content<T, E: From<StorageError>>(
        &self,
        bucket: &str,
        key: &str,
        check: impl Fn(&Object) -> Result<(), E>,
        take: impl Fn(&str) -> io::Result<T>,
    ) -> Result<(Object, T), E> {
        let mut vanished = None;
        loop {
            let object = self.catalog.object(bucket, key)?;
            check(&object)?;
            match take(&object.content) {
                Ok(taken) => return Ok((object, taken)),
                // Replaced between the two steps: look again. Twice the same name is loss.
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound
                        && vanished.as_ref() != Some(&object.content) =>
                {
                    vanished = Some(object.content);
                }
                Err(error) => return Err(StorageError::from(error).into()),
            }
        }
    }
}

/// Counts nanoseconds since 1970, but always upwards.
fn next_sequence(last: i64, now: DateTime<Utc>) -> i64 {
    now.timestamp_nanos_opt().unwrap_or(0).max(last + 1)
}

/// Runs storage work on a thread that may block. It goes on to its end even when the
/// caller has gone away: a publication never stops half-way.
pub(super) async fn run<T: Send + 'static>(
    storage: &Arc<Storage>,
    work: impl FnOnce(&Storage) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let storage = Arc::clone(storage);
    tokio::task::spawn_blocking(move || work(&storage)).await?
}
