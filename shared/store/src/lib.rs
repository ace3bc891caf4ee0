//! Where contacts, tenants, jobs and files are kept.
//!
//! The traits say in domain words what *any* store must do; `dynamo`, `s3`, `sqs` and `eventbridge`
//! do it on AWS, and nothing of the SDK shows in a signature. Behind the feature `testing`, `testing`
//! holds a memory double and the contract that double and real engine both keep.

mod activity;
mod bus;
mod cache;
mod clock;
mod contacts;
mod domain_events;
mod dynamo;
mod error;
mod eventbridge;
mod fields;
mod frozen;
mod idempotency;
mod index;
mod jobs;
mod ledger;
mod list_jobs;
mod list_work;
mod lists;
mod loaders;
mod membership;
mod meter;
mod named;
mod objects;
mod parked;
mod queue;
mod quota;
mod rules;
mod s3;
mod sdk;
mod search;
mod search_counts;
mod search_due;
mod segment_watch;
mod sqs;
mod sqs_rest;
mod tenants;
#[cfg(feature = "testing")]
pub mod testing;
mod timers;
mod traffic;
mod transitions;
mod usage;
mod walk;

pub use crate::index::{ContactFacts, TENANTS_KNOWN_IN_S, generation, index_generation, written_generations};
pub use activity::ConsentEntry;
pub use bus::{ENGAGEMENT, EventBus};
pub use cache::Cache;
pub use clock::Clock;
pub use contacts::{
    Consistency, ContactPage, ContactStore, NewContact, ProfileUpdate, SuppressionPage, SuppressionPlace,
    Write, Written,
};
pub use domain_events::{About, DOMAIN, DomainEvent, DomainEventBus, DomainEventType};
pub use dynamo::{ContactRecord, DynamoStore, FIELDS_CACHED_FOR, Tables, is_indexed_by_import};
pub use error::StoreError;
pub use eventbridge::EventBridge;
pub use fields::{FieldStore, FieldWrite, Freshness};
pub use frozen::{FrozenPage, FrozenStore};
pub use idempotency::{Begun, IdempotencyStore, ItemOutcome, Outcome, RequestKey};
pub use jobs::{
    Checkpoint, FileFormat, FileKind, IMPORTS_AT_ONCE, Job, JobStatus, JobStore, PlainText, Range, RowCounts,
};
pub use ledger::{FACTS_A_WRITE, FactPage, LedgerStore, LedgerWrite, Recorded};
pub use list_jobs::{
    LIST_JOBS_LIVE_FOR, ListJob, ListJobCounts, ListJobFailure, ListJobPlace, ListJobProblem, ListJobStore,
    NamedPart,
};
pub use list_work::ListWork;
pub use lists::{ListChange, ListStore};
pub use loaders::{LOADERS_A_TENANT, LoaderStore};
pub use membership::{Edited, ListEdit, ListEditor, NotEdited};
pub use meter::{Consumed, Metered};
pub use named::contacts_named;
pub use objects::{ObjectBody, ObjectInfo, ObjectStore, Upload};
pub use parked::{PARKED_FOR_DAYS, ParkedStore};
pub use queue::{
    ClockMessage, ClockQueue, IndexMessage, IndexQueue, RangeMessage, RangeQueue, RefoldMessage, RefoldQueue,
    SweepMessage, SweepQueue,
};
pub use quota::QuotaStore;
pub use rules::RulesStore;
pub use s3::S3Objects;
pub use sdk::{Endpoints, SdkConfig};
pub use search::{ContactSearch, MAX_ADDRESSES, MAX_LOOKED_AT, Matches, MatchesPage, SearchError};
pub use search_counts::Counted;
pub use segment_watch::{Seen, SegmentWatch, Tick, WatchStore};
pub use sqs::{SqsBackground, SqsClock, SqsRanges, SqsRefolds};
pub use sqs_rest::SqsRests;
pub use tenants::{ApiKey, EVERYTHING, KeyHash, TenantStore};
pub use timers::{TimedTask, Timer, TimerStore};
pub use traffic::Traffic;
pub use transitions::{SegmentClock, TransitionStore, Transitions};
pub use usage::{DayUsage, UsageKind, UsageParts, UsageRecord, UsageStore};
pub use walk::{WALKS_LIVE_FOR, WalkPage, Walked};
