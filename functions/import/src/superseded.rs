//! Which rows of a file do not count because a later row has the same address.

use std::collections::HashMap;

use bytes::Bytes;
use futures::TryStreamExt;
use model::Email;
use roaring::RoaringBitmap;
use sha2::{Digest, Sha256};
use store::{Job, ObjectStore, StoreError};
use uuid::Uuid;

const NAME: &str = "superseded";

/// Remembers the last valid row of each address.
///
/// An address costs 21 bytes of a table that is between half and seven eighths full, so 24 to 48
/// bytes: a million addresses take up to 48 MB. The 128-bit hash stands for the address, under a
/// key of its own each time, so that nobody can prepare addresses that collide.
pub(crate) struct Sightings {
    key: Uuid,
    last: HashMap<[u8; 16], u32>,
    superseded: RoaringBitmap,
}

impl Sightings {
    pub(crate) fn new() -> Self {
        Self { key: Uuid::new_v4(), last: HashMap::new(), superseded: RoaringBitmap::new() }
    }

    /// Takes the next valid row into account.
    pub(crate) fn see(&mut self, email: &Email, row: u32) {
        let hash = Sha256::new().chain_update(self.key).chain_update(email.as_str()).finalize();
        let hash = hash.first_chunk().expect("SHA-256 has 32 bytes, so it has a first 16");
        if let Some(earlier) = self.last.insert(*hash, row) {
            self.superseded.insert(earlier);
        }
    }

    /// Gives every row that a later one supersedes.
    pub(crate) fn superseded(self) -> RoaringBitmap {
        self.superseded
    }
}

/// Stores the rows for the loaders, also when there are none: a lost object must not read as none.
pub(crate) async fn put(
    objects: &impl ObjectStore,
    job: &Job,
    superseded: &RoaringBitmap,
) -> Result<(), StoreError> {
    let mut content = Vec::with_capacity(superseded.serialized_size());
    superseded.serialize_into(&mut content).map_err(|e| StoreError::Refused(Box::new(e)))?;
    objects.put(&job.object_key(NAME), "application/octet-stream", Bytes::from(content)).await
}

/// Reads the rows that planning stored.
pub(crate) async fn get(objects: &impl ObjectStore, job: &Job) -> Result<RoaringBitmap, StoreError> {
    let key = job.object_key(NAME);
    let info = objects.head(&key).await?.ok_or(StoreError::ObjectGone)?;
    let body = objects.read(&key, 0.., &info.etag).await?;
    let content: Vec<Bytes> = body.try_collect().await.map_err(|e| StoreError::Unavailable(Box::new(e)))?;
    RoaringBitmap::deserialize_from(content.concat().as_slice())
        .map_err(|e| StoreError::Malformed(format!("the superseded rows of import `{}`: {e}", job.id)))
}
