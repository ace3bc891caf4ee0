use std::future::Future;

use chrono::{DateTime, Utc};
use model::TenantId;
use model::import::{FileRefusal, ImportOptions, PlannedColumn};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Consumed, ObjectInfo, StoreError};

/// How many imports of a tenant may be under way at once.
pub const IMPORTS_AT_ONCE: usize = 20;

/// Says where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waits for its file.
    AwaitingUpload,
    /// Reads the file through once.
    Planning,
    /// Writes contacts.
    Importing,
    /// Ended; every row is in one count.
    Done,
    /// Refused as a whole; nothing was written.
    Failed,
}

impl JobStatus {
    /// Names the status as the API does.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingUpload => "awaiting_upload",
            Self::Planning => "planning",
            Self::Importing => "importing",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Counts rows; each row of a file is in exactly one count once the import ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowCounts {
    /// New contacts.
    pub created: u64,
    /// Contacts that changed.
    pub updated: u64,
    /// Contacts that already said all of it, or that the mode leaves alone.
    pub unchanged: u64,
    /// Rows that could not be read or applied.
    pub invalid: u64,
    /// Rows that a later row of the same email supersedes.
    pub duplicate: u64,
    /// Rows of addresses that must not come back.
    pub suppressed: u64,
    /// Rows that were not reached.
    pub skipped: u64,
}

impl RowCounts {
    /// Counts all rows.
    pub fn total(&self) -> u64 {
        self.created
            + self.updated
            + self.unchanged
            + self.invalid
            + self.duplicate
            + self.suppressed
            + self.skipped
    }
}

impl std::ops::Add for RowCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            created: self.created + other.created,
            updated: self.updated + other.updated,
            unchanged: self.unchanged + other.unchanged,
            invalid: self.invalid + other.invalid,
            duplicate: self.duplicate + other.duplicate,
            suppressed: self.suppressed + other.suppressed,
            skipped: self.skipped + other.skipped,
        }
    }
}

/// Says what a record of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Cells between delimiters.
    #[default]
    Csv,
    /// A JSON object on a line.
    Ndjson,
}

impl FileKind {
    /// Names the kind as the API does.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

/// Says how a file is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFormat {
    /// Such as `utf-8`.
    pub encoding: String,
    /// What its records are.
    #[serde(default)]
    pub kind: FileKind,
    /// What separates the cells of a CSV.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
}

/// Is a file's text in plain UTF-8, as planning rewrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlainText {
    /// Where it lies.
    pub key: String,
    /// What lies there.
    pub info: ObjectInfo,
}

/// Is one import of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its id; ids sort by the time of creation.
    pub id: Uuid,
    /// Whose import.
    pub tenant: TenantId,
    /// Where it stands.
    pub status: JobStatus,
    /// What the file is called.
    pub filename: String,
    /// How it is to be read and applied.
    pub options: ImportOptions,
    /// The import's own copy of the file, which nobody else can change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ObjectInfo>,
    /// Where that copy lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_key: Option<String>,
    /// What is read instead of that copy, where that is no plain UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain: Option<PlainText>,
    /// How the file is written, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// How its columns are read, once known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<PlannedColumn>,
    /// How many records it has, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_total: Option<u64>,
    /// The counts, once it ended; before that they are the sum over its ranges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowCounts>,
    /// Whether there is an error report.
    #[serde(default)]
    pub has_errors: bool,
    /// How many lines the warning report has, once it ended; none without a line.
    #[serde(default)]
    pub warnings: u64,
    /// Why the file was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<FileRefusal>,
    /// What planning used, and once it ended, all of it.
    #[serde(default)]
    pub consumed: Consumed,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When its file was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
}

impl Job {
    /// Starts a job that waits for its file.
    pub fn new(
        id: Uuid,
        tenant: TenantId,
        filename: String,
        options: ImportOptions,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            tenant,
            status: JobStatus::AwaitingUpload,
            filename,
            options,
            source: None,
            source_key: None,
            plain: None,
            format: None,
            columns: Vec::new(),
            rows_total: None,
            rows: None,
            has_errors: false,
            warnings: 0,
            refusal: None,
            consumed: Consumed::default(),
            created_at: now,
            started_at: None,
            finished_at: None,
        }
    }

    /// Names the object that a client uploads to.
    pub fn upload_key(tenant: TenantId, id: Uuid) -> String {
        format!("uploads/{tenant}/{id}")
    }

    /// Names an object of the import's own, such as `source` or `errors.csv`.
    pub fn object_key(&self, name: &str) -> String {
        format!("imports/{}/{}/{name}", self.tenant, self.id)
    }
}

/// Says how far a range is loaded: everything before `next_offset` is done and counted.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The byte where the next record starts.
    pub next_offset: u64,
    /// The number of the next record, from 1 after the header.
    pub next_row: u64,
    /// The line on which it starts, from 1.
    pub next_line: u64,
    /// What became of the rows so far.
    pub rows: RowCounts,
    /// Whether rows so far are in the error report.
    #[serde(default)]
    pub has_errors: bool,
    /// How many lines they have in the warning report.
    #[serde(default)]
    pub warnings: u64,
    /// The first and the last ordinal of the contacts that the import is to index itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_index: Option<(u32, u32)>,
    /// What they used.
    pub consumed: Consumed,
    /// Whether the range is loaded.
    pub done: bool,
}

/// Is a run of a file's records that one loader loads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// Whose import.
    pub tenant: TenantId,
    /// The import.
    pub job: Uuid,
    /// Which range, from 0.
    pub number: u32,
    /// The byte behind its last record.
    pub end_offset: u64,
    /// How far it is loaded; starts at its first record.
    pub checkpoint: Checkpoint,
}

/// Keeps imports.
pub trait JobStore: Send + Sync {
    /// Stores a new job; false if its id is there already.
    fn create_job(&self, job: &Job) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Reads a job.
    fn job(&self, tenant: TenantId, id: Uuid)
    -> impl Future<Output = Result<Option<Job>, StoreError>> + Send;

    /// Lists jobs, the newest first, from below an id.
    fn jobs(
        &self,
        tenant: TenantId,
        below: Option<Uuid>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Job>, StoreError>> + Send;

    /// Stores a job if its status is still `from`; false if not.
    fn save_job(&self, job: &Job, from: JobStatus) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Stores a new range; one that is there already stays as it is.
    fn create_range(&self, range: &Range) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Reads all ranges of a job. Strongly consistent.
    fn ranges(
        &self,
        tenant: TenantId,
        job: Uuid,
    ) -> impl Future<Output = Result<Vec<Range>, StoreError>> + Send;

    /// Moves a range on from the checkpoint that was read; false if somebody else did.
    fn save_checkpoint(
        &self,
        range: &Range,
        from: &Checkpoint,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
