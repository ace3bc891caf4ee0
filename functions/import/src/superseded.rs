//! Which rows of a file do not count because a later row has the same address.
//!
//! What such a row says is not applied, but for one thing: that the person opted out. The row that
//! is applied in its place says it too, whatever its own cells say.

use std::collections::HashMap;
use std::io;

use bytes::Bytes;
use futures::TryStreamExt;
use model::{Email, Status};
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

    /// Takes the next valid row into account, and gives the one that it supersedes.
    pub(crate) fn see(&mut self, email: &Email, row: u32) -> Option<u32> {
        let hash = Sha256::new().chain_update(self.key).chain_update(email.as_str()).finalize();
        let hash = hash.first_chunk().expect("SHA-256 has 32 bytes, so it has a first 16");
        let earlier = self.last.insert(*hash, row);
        self.superseded.extend(earlier);
        earlier
    }

    /// Gives every row that a later one supersedes.
    pub(crate) fn superseded(self) -> RoaringBitmap {
        self.superseded
    }
}

/// Knows the rows whose person opted out, in the row itself or in one that it supersedes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OptOuts {
    unsubscribed: RoaringBitmap,
    bounced: RoaringBitmap,
}

impl OptOuts {
    /// Notes what a row says, and what was said by the row that it supersedes.
    pub(crate) fn note(&mut self, row: u32, earlier: Option<u32>, said: Option<Status>) {
        for (status, rows) in
            [(Status::Unsubscribed, &mut self.unsubscribed), (Status::Bounced, &mut self.bounced)]
        {
            if said == Some(status) || earlier.is_some_and(|earlier| rows.contains(earlier)) {
                rows.insert(row);
            }
        }
    }

    /// Gives the status that a row sets, whatever else it says. The person's own word outranks what
    /// became of a mail.
    pub(crate) fn of(&self, row: u32) -> Option<Status> {
        if self.unsubscribed.contains(row) {
            return Some(Status::Unsubscribed);
        }
        self.bounced.contains(row).then_some(Status::Bounced)
    }

    /// Adds what another column says.
    pub(crate) fn add(&mut self, other: &Self) {
        self.unsubscribed |= &other.unsubscribed;
        self.bounced |= &other.bounced;
    }
}

/// Says of every row of a file whether it counts, and what it says in place of others.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Superseded {
    /// Valid rows with a valid row of the same address after them.
    pub rows: RoaringBitmap,
    pub opt_outs: OptOuts,
}

impl Superseded {
    /// Stores it for the loaders, also when it is empty: a lost object must not read as none.
    pub(crate) async fn put(&self, objects: &impl ObjectStore, job: &Job) -> Result<(), StoreError> {
        let mut content = Vec::new();
        for rows in [&self.rows, &self.opt_outs.unsubscribed, &self.opt_outs.bounced] {
            rows.serialize_into(&mut content).map_err(|e| StoreError::Refused(Box::new(e)))?;
        }
        objects.put(&job.object_key(NAME), "application/octet-stream", Bytes::from(content)).await
    }

    /// Reads what planning stored.
    pub(crate) async fn get(objects: &impl ObjectStore, job: &Job) -> Result<Self, StoreError> {
        let key = job.object_key(NAME);
        let info = objects.head(&key).await?.ok_or(StoreError::ObjectGone)?;
        let body = objects.read(&key, 0.., &info.etag).await?;
        let content: Vec<Bytes> =
            body.try_collect().await.map_err(|e| StoreError::Unavailable(Box::new(e)))?;
        Self::read(&content.concat())
            .map_err(|e| StoreError::Malformed(format!("the superseded rows of import `{}`: {e}", job.id)))
    }

    fn read(mut content: &[u8]) -> io::Result<Self> {
        let mut rows = || RoaringBitmap::deserialize_from(&mut content);
        Ok(Self { rows: rows()?, opt_outs: OptOuts { unsubscribed: rows()?, bounced: rows()? } })
    }
}
