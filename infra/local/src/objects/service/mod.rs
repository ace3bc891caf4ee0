//! The S3 operations the product uses, translated to the storage and back.
//!
//! An operation that is not here is answered with `NotImplemented` by s3s.

mod buckets;
mod list;
mod multipart;
mod read;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use super::storage::Storage;

/// Answers S3 requests from one storage.
pub(super) struct Service {
    storage: Arc<Storage>,
}

impl Service {
    pub(super) fn new(storage: Arc<Storage>) -> Self {
        Self { storage }
    }
}

/// Passes an operation to the function of the same name.
macro_rules! operations {
    ($($module:ident::$name:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait]
        impl S3 for Service {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                $module::$name(&self.storage, request).await.map(S3Response::new)
            })*
        }
    };
}

operations! {
    buckets::create_bucket(CreateBucketInput) -> CreateBucketOutput;
    buckets::head_bucket(HeadBucketInput) -> HeadBucketOutput;
    buckets::list_buckets(ListBucketsInput) -> ListBucketsOutput;
    list::list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    read::get_object(GetObjectInput) -> GetObjectOutput;
    read::head_object(HeadObjectInput) -> HeadObjectOutput;
    write::put_object(PutObjectInput) -> PutObjectOutput;
    write::copy_object(CopyObjectInput) -> CopyObjectOutput;
    write::delete_object(DeleteObjectInput) -> DeleteObjectOutput;
    write::delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
    multipart::create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    multipart::upload_part(UploadPartInput) -> UploadPartOutput;
    multipart::complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    multipart::abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
    multipart::list_parts(ListPartsInput) -> ListPartsOutput;
}
