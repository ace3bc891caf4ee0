use std::collections::BTreeMap;
use std::future::Future;
use std::ops::RangeFrom;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Describes an object without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectInfo {
    /// Its size.
    pub size_bytes: u64,
    /// Changes whenever the content does.
    pub etag: String,
}

/// Streams the content of an object.
pub type ObjectBody = BoxStream<'static, std::io::Result<Bytes>>;

/// Tells a client how to put one object, without any other credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Where to send it.
    pub url: String,
    /// What to send along, exactly.
    pub headers: BTreeMap<String, String>,
}

/// Keeps files in the product's one bucket.
pub trait ObjectStore: Send + Sync {
    /// Describes an object, if it is there.
    fn head(&self, key: &str) -> impl Future<Output = Result<Option<ObjectInfo>, StoreError>> + Send;

    /// Streams an object from an offset on.
    ///
    /// # Errors
    /// [`StoreError::ObjectGone`] when it is not there or its etag is another.
    fn read(
        &self,
        key: &str,
        range: RangeFrom<u64>,
        etag: &str,
    ) -> impl Future<Output = Result<ObjectBody, StoreError>> + Send;

    /// Stores an object, replacing what is there.
    fn put(
        &self,
        key: &str,
        content_type: &str,
        content: Bytes,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Stores an object that comes in parts of any size, replacing what is there; nothing is
    /// visible before the last part.
    fn put_stream(
        &self,
        key: &str,
        content_type: &str,
        content: ObjectBody,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Copies an object within the bucket and describes the copy.
    ///
    /// # Errors
    /// [`StoreError::ObjectGone`] when it is not there or its etag is another.
    fn copy(
        &self,
        from: &str,
        etag: &str,
        to: &str,
    ) -> impl Future<Output = Result<ObjectInfo, StoreError>> + Send;

    /// Lists the keys under a prefix, in order.
    fn list(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Lets a client put one object for a while.
    fn presign_put(
        &self,
        key: &str,
        valid_for: Duration,
    ) -> impl Future<Output = Result<Upload, StoreError>> + Send;

    /// Lets a client fetch one object for a while, under a file name.
    fn presign_get(
        &self,
        key: &str,
        filename: &str,
        valid_for: Duration,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;
}
