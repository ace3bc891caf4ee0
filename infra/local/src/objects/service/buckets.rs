//! CreateBucket, HeadBucket and ListBuckets.

use std::sync::Arc;

use chrono::Utc;
use s3s::dto::{
    Bucket, CreateBucketInput, CreateBucketOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput,
    ListBucketsOutput,
};
use s3s::{S3Request, S3Result};

use crate::objects::attributes::timestamp;
use crate::objects::storage::{Storage, run};

/// Makes a bucket. One that exists is no error, as in us-east-1.
pub(super) async fn create_bucket(
    storage: &Arc<Storage>,
    request: S3Request<CreateBucketInput>,
) -> S3Result<CreateBucketOutput> {
    let location = format!("/{}", request.input.bucket);
    run(storage, move |storage| storage.catalog.create_bucket(&request.input.bucket, Utc::now())).await?;
    Ok(CreateBucketOutput { location: Some(location) })
}

pub(super) async fn head_bucket(
    storage: &Arc<Storage>,
    request: S3Request<HeadBucketInput>,
) -> S3Result<HeadBucketOutput> {
    run(storage, move |storage| storage.catalog.require_bucket(&request.input.bucket)).await?;
    Ok(HeadBucketOutput::default())
}

pub(super) async fn list_buckets(
    storage: &Arc<Storage>,
    _request: S3Request<ListBucketsInput>,
) -> S3Result<ListBucketsOutput> {
    let buckets = run(storage, |storage| storage.catalog.buckets()).await?;
    let buckets = buckets
        .into_iter()
        .map(|(name, created_ms)| Bucket {
            name: Some(name),
            creation_date: Some(timestamp(created_ms)),
            ..Bucket::default()
        })
        .collect();
    Ok(ListBucketsOutput { buckets: Some(buckets), ..ListBucketsOutput::default() })
}
