use std::collections::BTreeMap;
use std::ops::RangeFrom;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::CallFaults;
use crate::{
    ClockQueue, IndexMessage, IndexQueue, ObjectBody, ObjectInfo, ObjectStore, RangeMessage, RangeQueue,
    RefoldMessage, RefoldQueue, StoreError, SweepMessage, SweepQueue, Timer, Upload,
};

/// Keeps files in a map.
#[derive(Debug, Clone)]
pub struct MemoryObjects {
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
    faults: CallFaults,
}

impl Default for MemoryObjects {
    fn default() -> Self {
        Self { objects: Arc::default(), faults: CallFaults::none() }
    }
}

impl MemoryObjects {
    /// Gives a handle to the same files whose calls fail as told.
    pub fn failing(&self, faults: CallFaults) -> Self {
        Self { objects: self.objects.clone(), faults }
    }

    /// Gives a file's content.
    pub fn content(&self, key: &str) -> Option<Bytes> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn call<T>(
        &self,
        act: impl FnOnce(&mut BTreeMap<String, Bytes>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.faults.call(|| act(&mut self.objects.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn info(content: &Bytes) -> ObjectInfo {
    ObjectInfo {
        size_bytes: content.len() as u64,
        etag: format!("\"{}\"", hex::encode(Sha256::digest(content))),
    }
}

fn with_etag<'a>(
    objects: &'a BTreeMap<String, Bytes>,
    key: &str,
    etag: &str,
) -> Result<&'a Bytes, StoreError> {
    objects.get(key).filter(|content| info(content).etag == etag).ok_or(StoreError::ObjectGone)
}

impl ObjectStore for MemoryObjects {
    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        self.call(|objects| Ok(objects.get(key).map(info)))
    }

    async fn read(&self, key: &str, range: RangeFrom<u64>, etag: &str) -> Result<ObjectBody, StoreError> {
        let content = self.call(|objects| with_etag(objects, key, etag).cloned())?;
        let start = usize::try_from(range.start).unwrap_or(usize::MAX).min(content.len());
        let content = content.slice(start..);
        // Small, uneven chunks: readers must not rely on where chunks end.
        let chunks: Vec<_> = content.chunks(997).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        Ok(stream::iter(chunks).boxed())
    }

    async fn put(&self, key: &str, _: &str, content: Bytes) -> Result<(), StoreError> {
        self.call(|objects| {
            objects.insert(key.to_owned(), content);
            Ok(())
        })
    }

    async fn put_stream(&self, key: &str, content_type: &str, content: ObjectBody) -> Result<(), StoreError> {
        let all: BytesMut = content
            .try_fold(BytesMut::new(), |mut all, chunk| async move {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await
            .map_err(|e| StoreError::Unavailable(Box::new(e)))?;
        self.put(key, content_type, all.freeze()).await
    }

    async fn copy(&self, from: &str, etag: &str, to: &str) -> Result<ObjectInfo, StoreError> {
        self.call(|objects| {
            let content = with_etag(objects, from, etag)?.clone();
            let copy = info(&content);
            objects.insert(to.to_owned(), content);
            Ok(copy)
        })
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.call(|objects| Ok(objects.keys().filter(|key| key.starts_with(prefix)).cloned().collect()))
    }

    async fn presign_put(&self, key: &str, _: Duration) -> Result<Upload, StoreError> {
        Ok(Upload { url: format!("memory:{key}"), headers: BTreeMap::new() })
    }

    async fn presign_get(&self, key: &str, _: &str, _: Duration) -> Result<String, StoreError> {
        Ok(format!("memory:{key}"))
    }
}

/// Keeps sent messages in lists.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueue {
    ranges: Arc<Mutex<Vec<RangeMessage>>>,
    sweeps: Arc<Mutex<Vec<SweepMessage>>>,
    blocks: Arc<Mutex<Vec<IndexMessage>>>,
    refolds: Arc<Mutex<Vec<RefoldMessage>>>,
    timers: Arc<Mutex<Vec<Timer>>>,
}

impl MemoryQueue {
    /// Takes all ranges that were sent.
    pub fn take(&self) -> Vec<RangeMessage> {
        std::mem::take(&mut *self.ranges.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes all blocks that were sent.
    pub fn take_blocks(&self) -> Vec<IndexMessage> {
        std::mem::take(&mut *self.blocks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes all contacts to fold that were sent.
    pub fn take_refolds(&self) -> Vec<RefoldMessage> {
        std::mem::take(&mut *self.refolds.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes all timers that were sent.
    pub fn take_timers(&self) -> Vec<Timer> {
        std::mem::take(&mut *self.timers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes all sweeps that were sent.
    pub fn take_sweeps(&self) -> Vec<SweepMessage> {
        std::mem::take(&mut *self.sweeps.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RangeQueue for MemoryQueue {
    async fn send(&self, messages: &[RangeMessage]) -> Result<(), StoreError> {
        self.ranges.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(messages);
        Ok(())
    }

    async fn send_later(&self, message: RangeMessage, _: Duration) -> Result<(), StoreError> {
        self.send(&[message]).await
    }
}

impl IndexQueue for MemoryQueue {
    async fn send_blocks(&self, messages: &[IndexMessage]) -> Result<(), StoreError> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(messages);
        Ok(())
    }
}

impl SweepQueue for MemoryQueue {
    async fn send_sweep(&self, message: SweepMessage) -> Result<(), StoreError> {
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        Ok(())
    }

    async fn send_sweep_later(&self, message: SweepMessage, _: Duration) -> Result<(), StoreError> {
        self.send_sweep(message).await
    }
}

impl RefoldQueue for MemoryQueue {
    async fn send_refolds(&self, messages: &[RefoldMessage]) -> Result<(), StoreError> {
        self.refolds.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(messages);
        Ok(())
    }

    async fn send_refold_later(&self, message: RefoldMessage, _: Duration) -> Result<(), StoreError> {
        self.send_refolds(&[message]).await
    }
}

impl ClockQueue for MemoryQueue {
    async fn send_timers(&self, timers: &[Timer]) -> Result<(), StoreError> {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(timers);
        Ok(())
    }
}
