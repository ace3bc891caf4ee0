//! Files on S3.

use std::ops::RangeFrom;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};

use crate::sdk::{name_from_env, store_error};
use crate::{ObjectBody, ObjectInfo, ObjectStore, SdkConfig, StoreError, Upload};

/// S3 takes parts from 5 MB on, and 10,000 of them: enough for 80 GB.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Keeps files in one S3 bucket.
#[derive(Debug, Clone)]
pub struct S3Objects {
    client: Client,
    bucket: String,
}

impl S3Objects {
    /// Connects to a bucket by name.
    pub fn new(sdk: &SdkConfig, bucket: String) -> Self {
        Self { client: Client::from_conf(sdk.s3().build()), bucket }
    }

    /// Connects to the bucket that `LEADS_BUCKET` names.
    ///
    /// # Errors
    /// [`StoreError::Refused`] naming the variable when it is missing.
    pub fn from_env(sdk: &SdkConfig) -> Result<Self, StoreError> {
        Ok(Self::new(sdk, name_from_env("LEADS_BUCKET")?))
    }

    /// Creates the bucket where it is missing. On AWS the template does it.
    ///
    /// # Errors
    /// What the store answers, other than that the bucket exists.
    pub async fn create_missing_bucket(&self) -> Result<(), StoreError> {
        match self.client.create_bucket().bucket(&self.bucket).send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_bucket_already_exists() || e.is_bucket_already_owned_by_you()) =>
            {
                Ok(())
            }
            Err(error) => Err(store_error(error)),
        }
    }
}

impl ObjectStore for S3Objects {
    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            // Half a description would end an import early and call it done.
            Ok(head) => match (head.content_length(), head.e_tag()) {
                (Some(size), Some(etag)) => {
                    Ok(Some(ObjectInfo { size_bytes: size.unsigned_abs(), etag: etag.to_owned() }))
                }
                _ => Err(StoreError::Malformed("the bucket describes an object by half".to_owned())),
            },
            Err(error) if error.as_service_error().is_some_and(|e| e.is_not_found()) => Ok(None),
            Err(error) => Err(store_error(error)),
        }
    }

    async fn read(&self, key: &str, range: RangeFrom<u64>, etag: &str) -> Result<ObjectBody, StoreError> {
        let get = self.client.get_object().bucket(&self.bucket).key(key).if_match(etag);
        // A range from the start would be refused on an empty object.
        let get = if range.start > 0 { get.range(format!("bytes={}-", range.start)) } else { get };
        match get.send().await {
            Ok(answer) => Ok(chunks(answer.body)),
            // From the end on there is nothing to read.
            Err(error) if code(&error) == Some("InvalidRange") => Ok(futures::stream::empty().boxed()),
            Err(error) => Err(gone_or(error)),
        }
    }

    async fn put(&self, key: &str, content_type: &str, content: Bytes) -> Result<(), StoreError> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        put.body(ByteStream::from(content)).send().await.map_err(store_error)?;
        Ok(())
    }

    async fn put_stream(
        &self,
        key: &str,
        content_type: &str,
        mut content: ObjectBody,
    ) -> Result<(), StoreError> {
        let mut part = BytesMut::new();
        let mut upload: Option<PartsUpload<'_>> = None;
        while let Some(chunk) = content.try_next().await.map_err(unavailable)? {
            part.extend_from_slice(&chunk);
            if part.len() >= PART_BYTES {
                if upload.is_none() {
                    upload = Some(PartsUpload::start(self, key, content_type).await?);
                }
                if let Some(upload) = &mut upload {
                    upload.send(part.split().freeze()).await?;
                }
            }
        }
        match upload {
            None => self.put(key, content_type, part.freeze()).await,
            Some(mut upload) => {
                if !part.is_empty() {
                    upload.send(part.freeze()).await?;
                }
                upload.complete().await
            }
        }
    }

    async fn copy(&self, from: &str, etag: &str, to: &str) -> Result<ObjectInfo, StoreError> {
        let source = format!("{}/{}", self.bucket, encoded(from));
        let copied = self
            .client
            .copy_object()
            .bucket(&self.bucket)
            .key(to)
            .copy_source(source)
            .copy_source_if_match(etag)
            .send()
            .await;
        copied.map_err(gone_or)?;
        self.head(to).await?.ok_or(StoreError::ObjectGone)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let mut pages = list.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(store_error)?;
            keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        }
        Ok(keys)
    }

    async fn presign_put(&self, key: &str, valid_for: Duration) -> Result<Upload, StoreError> {
        let config = PresigningConfig::expires_in(valid_for).map_err(refused)?;
        let put = self.client.put_object().bucket(&self.bucket).key(key);
        let signed = put.presigned(config).await.map_err(store_error)?;
        let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Upload { url: signed.uri().to_owned(), headers })
    }

    async fn presign_get(
        &self,
        key: &str,
        filename: &str,
        valid_for: Duration,
    ) -> Result<String, StoreError> {
        let config = PresigningConfig::expires_in(valid_for).map_err(refused)?;
        let get = self.client.get_object().bucket(&self.bucket).key(key);
        let get = get.response_content_disposition(format!("attachment; filename=\"{filename}\""));
        Ok(get.presigned(config).await.map_err(store_error)?.uri().to_owned())
    }
}

/// Is a multipart upload under way. One that is left half done shows nowhere, and the bucket's
/// lifecycle rule removes its parts.
struct PartsUpload<'a> {
    store: &'a S3Objects,
    key: &'a str,
    id: String,
    parts: Vec<CompletedPart>,
}

impl<'a> PartsUpload<'a> {
    async fn start(store: &'a S3Objects, key: &'a str, content_type: &str) -> Result<Self, StoreError> {
        let create = store.client.create_multipart_upload().bucket(&store.bucket).key(key);
        let created = create.content_type(content_type).send().await.map_err(store_error)?;
        let id = created.upload_id().unwrap_or_default().to_owned();
        Ok(Self { store, key, id, parts: Vec::new() })
    }

    async fn send(&mut self, part: Bytes) -> Result<(), StoreError> {
        let number = i32::try_from(self.parts.len() + 1).map_err(refused)?;
        let upload = self.store.client.upload_part().bucket(&self.store.bucket).key(self.key);
        let upload = upload.upload_id(&self.id).part_number(number).body(ByteStream::from(part));
        let sent = upload.send().await.map_err(store_error)?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32);
        self.parts.push(part.build());
        Ok(())
    }

    async fn complete(self) -> Result<(), StoreError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.parts)).build();
        let complete = self.store.client.complete_multipart_upload().bucket(&self.store.bucket);
        let complete = complete.key(self.key).upload_id(self.id).multipart_upload(parts);
        complete.send().await.map_err(store_error)?;
        Ok(())
    }
}

fn chunks(body: ByteStream) -> ObjectBody {
    futures::stream::try_unfold(body, |mut body| async move {
        let chunk = body.try_next().await.map_err(std::io::Error::other)?;
        Ok(chunk.map(|chunk| (chunk, body)))
    })
    .boxed()
}

/// Encodes a key for the copy-source header, which S3 reads as part of a URL.
fn encoded(key: &str) -> String {
    key.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn code<E: ProvideErrorMetadata>(error: &SdkError<E, Response>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

fn gone_or<E>(error: SdkError<E, Response>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match code(&error) {
        Some("NoSuchKey" | "PreconditionFailed" | "NotFound") => StoreError::ObjectGone,
        _ => store_error(error),
    }
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Refused(Box::new(error))
}

fn unavailable(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}
