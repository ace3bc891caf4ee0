//! A file that arrived in the bucket: whose it is, which job it belongs to, and what comes next.

use chrono::{DateTime, Utc};
use model::import::ImportOptions;
use model::{Tenant, TenantId, TenantSlug};
use sha2::{Digest, Sha256};
use store::{DomainEventBus, Job, JobStatus, ObjectStore, RangeQueue, StoreError};
use tracing::{info, warn};
use uuid::{Builder, Uuid};

use crate::plan::{fail, plan, send_open_ranges, source_gone};
use crate::told::tell_end;
use crate::{Deps, ImportError, ImportStore};

/// A job has three steps behind its file's arrival; a fourth round sees that it needs no more.
const STEPS: usize = 4;

/// Describes an object as its notification does.
#[derive(Debug, Clone)]
pub(crate) struct ArrivedObject {
    pub bucket: String,
    /// Decoded.
    pub key: String,
    /// Without quotes.
    pub etag: String,
    /// Tells events of one key apart.
    pub sequencer: String,
    pub at: DateTime<Utc>,
}

/// Says what the key of an object that concerns imports means.
#[derive(Debug, PartialEq, Eq)]
enum ObjectKey {
    Upload { tenant: TenantId, job: Uuid },
    Inbox { slug: TenantSlug, filename: String },
}

/// Takes a file in and plans it.
///
/// What no redelivery can make right (a key of no tenant or job, an object that is gone) is
/// logged and acknowledged. Anything else ends in an error and is delivered again.
pub(crate) async fn arrived<S: ImportStore, O: ObjectStore, Q: RangeQueue, B: DomainEventBus>(
    deps: &Deps<S, O, Q, B>,
    object: &ArrivedObject,
) -> Result<(), ImportError> {
    match ObjectKey::of(&object.key) {
        None => {
            info!("ignored an object that is no file to import");
            Ok(())
        }
        Some(ObjectKey::Upload { tenant, job }) => match deps.store.tenant(tenant).await? {
            Some(tenant) => advance(deps, &tenant, job, object, false).await,
            None => {
                warn!(tenant.id = %tenant, "ignored an upload of an unknown tenant");
                Ok(())
            }
        },
        Some(ObjectKey::Inbox { slug, filename }) => match deps.store.tenant_by_slug(&slug).await? {
            Some(tenant) => {
                let id = inbox_job_id(object);
                let options = ImportOptions::default();
                let job = Job::new(id, tenant.id, filename, options, deps.clock.now());
                // False when this event was here before.
                deps.store.create_job(&job).await?;
                advance(deps, &tenant, id, object, true).await
            }
            None => {
                warn!(tenant.slug = slug.as_str(), "ignored a file in the inbox of an unknown tenant");
                Ok(())
            }
        },
    }
}

/// Takes a job as far as its file's arrival can, from wherever an earlier delivery left it. Each
/// step ends in a conditional write of the job's status, and what stands there decides the next.
async fn advance<S: ImportStore, O: ObjectStore, Q: RangeQueue, B: DomainEventBus>(
    deps: &Deps<S, O, Q, B>,
    tenant: &Tenant,
    id: Uuid,
    object: &ArrivedObject,
    from_inbox: bool,
) -> Result<(), ImportError> {
    for _ in 0..STEPS {
        let Some(job) = deps.store.job(tenant.id, id).await? else {
            warn!(import.id = %id, tenant.id = %tenant.id, "ignored an upload of an unknown import");
            return Ok(());
        };
        let source_key = job.object_key(&format!("source-{}", object.etag));
        if job.source_key.as_ref().is_some_and(|key| *key != source_key) {
            info!(import.id = %id, "ignored a later upload: the import has its file");
            return Ok(());
        }
        match job.status {
            JobStatus::AwaitingUpload => {
                if !take_in(deps, job, object, source_key, from_inbox).await? {
                    return Ok(());
                }
            }
            JobStatus::Planning => plan(deps, tenant, job).await?,
            JobStatus::Importing => return send_open_ranges(deps, &job).await,
            JobStatus::Done | JobStatus::Failed => return tell_end(deps, &job).await,
        }
    }
    Ok(())
}

/// Copies the object to where nobody else can change it, and lets the job go on; false where the
/// object is not there any more as it was, and another one may come.
async fn take_in<S: ImportStore, O: ObjectStore, Q, B: DomainEventBus>(
    deps: &Deps<S, O, Q, B>,
    mut job: Job,
    object: &ArrivedObject,
    source_key: String,
    from_inbox: bool,
) -> Result<bool, ImportError> {
    match deps.objects.copy(&object.key, &format!("\"{}\"", object.etag), &source_key).await {
        Ok(info) => {
            job.status = JobStatus::Planning;
            job.source = Some(info);
            job.source_key = Some(source_key);
            job.started_at = Some(deps.clock.now());
            deps.store.save_job(&job, JobStatus::AwaitingUpload).await?;
            Ok(true)
        }
        // What replaced it has an event of its own: for an upload it finds this job, but a file
        // in the inbox gets a new one, and this one would wait for ever.
        Err(StoreError::ObjectGone) if from_inbox => {
            fail(deps, job, JobStatus::AwaitingUpload, source_gone()).await?;
            Ok(true)
        }
        Err(StoreError::ObjectGone) => {
            info!(import.id = %job.id, "ignored an upload that was replaced or removed");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

impl ObjectKey {
    fn of(key: &str) -> Option<Self> {
        let (first, rest) = key.split_once('/')?;
        let (second, rest) = rest.split_once('/')?;
        match first {
            "uploads" => {
                let tenant = TenantId(Uuid::try_parse(second).ok()?);
                let job = Uuid::try_parse(rest).ok()?;
                // Only the one spelling that was handed out.
                (Job::upload_key(tenant, job) == key).then_some(Self::Upload { tenant, job })
            }
            "inbox" => {
                let slug = TenantSlug::parse(second).ok()?;
                let filename = rest.rsplit('/').next().filter(|name| !name.is_empty())?;
                Some(Self::Inbox { slug, filename: filename.to_owned() })
            }
            _ => None,
        }
    }
}

/// Names the job of a dropped file: the same for the same event, sorted by its time as all job
/// ids are, and different for every other drop of the same file.
fn inbox_job_id(object: &ArrivedObject) -> Uuid {
    let mut hash = Sha256::new();
    for part in [&object.bucket, &object.key, &object.etag, &object.sequencer] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash = hash.finalize();
    let random = hash.first_chunk().expect("SHA-256 has 32 bytes, so it has a first 10");
    let millis = u64::try_from(object.at.timestamp_millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_what_it_is() {
        let (tenant, job) = (TenantId(Uuid::from_u128(1)), Uuid::from_u128(2));
        assert_eq!(ObjectKey::of(&Job::upload_key(tenant, job)), Some(ObjectKey::Upload { tenant, job }));
        let inbox = |name: &str| {
            let slug = TenantSlug::parse("demo").unwrap();
            Some(ObjectKey::Inbox { slug, filename: name.to_owned() })
        };
        assert_eq!(ObjectKey::of("inbox/demo/a.csv"), inbox("a.csv"));
        assert_eq!(ObjectKey::of("inbox/demo/2026/a b.csv"), inbox("a b.csv"));
        for key in
            ["inbox/demo/", "inbox/demo/x/", "inbox/demo", "inbox/De mo/a.csv", "uploads/x/y", "imports/a/b"]
        {
            assert_eq!(ObjectKey::of(key), None, "{key}");
        }
    }

    #[test]
    fn a_dropped_file_has_one_job_id_an_event_and_ids_sort_by_time() {
        let object = |sequencer: &str, ms| ArrivedObject {
            bucket: "b".into(),
            key: "inbox/demo/a.csv".into(),
            etag: "e".into(),
            sequencer: sequencer.into(),
            at: DateTime::from_timestamp_millis(ms).unwrap(),
        };
        let first = inbox_job_id(&object("1", 1_700_000_000_000));
        assert_eq!(first, inbox_job_id(&object("1", 1_700_000_000_000)));
        assert_ne!(first, inbox_job_id(&object("2", 1_700_000_000_000)));
        assert!(first < inbox_job_id(&object("1", 1_700_000_000_001)));
        assert_eq!(first.get_version_num(), 7);
    }
}
