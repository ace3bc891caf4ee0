use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use model::AttributeType;
use model::import::{FileRefusal, PlannedColumn, Target};
use serde::Serialize;
use store::{Consumed, Job, JobStatus, Range, RowCounts, StoreError, Upload};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Objects, Store};

const LINKS_VALID_FOR: Duration = Duration::from_secs(60 * 60);

/// Is an import as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Import)]
pub struct ImportView {
    /// Its id.
    id: Uuid,
    /// `awaiting_upload`, `planning`, `importing`, `done` or `failed`.
    #[schema(value_type = String, example = "importing")]
    status: JobStatus,
    /// What the file is called.
    filename: String,
    /// From 0 to 1.
    progress: f64,
    /// Each record of the file is in exactly one count once the import ends.
    rows: RowsView,
    /// How the file is written, once known.
    format: Option<FormatView>,
    /// How its columns are read, once known.
    columns: Vec<ColumnView>,
    /// Where to send the file, while it is awaited.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<UploadView>,
    /// The error report as a CSV, if there is one; the link is good for an hour.
    errors_url: Option<String>,
    /// How many values were left out of rows that were applied.
    warnings: u64,
    /// Those values as a CSV (`line,row,code,field,value,message`) once the import ended, if there
    /// are any; the link is good for an hour.
    warnings_url: Option<String>,
    /// Why the file was refused as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RefusalView>,
    /// Capacity units so far.
    consumed: ConsumedView,
    /// When it was asked for.
    created_at: String,
    /// When its file was there.
    started_at: Option<String>,
    /// When it ended.
    finished_at: Option<String>,
}

/// Counts of rows.
#[derive(Debug, Serialize, ToSchema)]
struct RowsView {
    /// Records of the file, once known.
    total: Option<u64>,
    created: u64,
    updated: u64,
    unchanged: u64,
    invalid: u64,
    duplicate: u64,
    suppressed: u64,
    skipped: u64,
}

/// How a file is written.
#[derive(Debug, Serialize, ToSchema)]
struct FormatView {
    /// `utf-8`, `utf-16le`, `utf-16be` or `windows-1252`.
    #[schema(example = "utf-8")]
    encoding: String,
    /// `csv` or `ndjson`.
    #[schema(example = "csv")]
    kind: &'static str,
    /// What separates the cells of a CSV.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = ",")]
    delimiter: Option<char>,
}

/// How a column is read.
#[derive(Debug, Serialize, ToSchema)]
struct ColumnView {
    name: String,
    /// The contact field or attribute; none where the column is left out.
    field: Option<String>,
    /// How an attribute's cells are read: `text`, `number`, `date` or `boolean`. None for contact
    /// fields, and for an attribute that nobody has because every cell is blank.
    #[serde(rename = "type")]
    #[schema(value_type = Option<String>, example = "number")]
    kind: Option<AttributeType>,
}

/// How to send the file.
#[derive(Debug, Serialize, ToSchema)]
struct UploadView {
    #[schema(example = "PUT")]
    method: &'static str,
    url: String,
    /// To be sent along as they are.
    #[schema(value_type = Object)]
    headers: std::collections::BTreeMap<String, String>,
}

/// Why a file was refused.
#[derive(Debug, Serialize, ToSchema)]
struct RefusalView {
    code: String,
    detail: String,
}

/// Capacity units.
#[derive(Debug, Serialize, ToSchema)]
struct ConsumedView {
    write_units: f64,
    read_units: f64,
}

/// Shows a job, with what its ranges came to so far and the links that it has.
///
/// # Errors
/// What the store or the bucket answers.
pub(crate) async fn view<S: Store, O: Objects>(
    store: &S,
    objects: &O,
    job: Job,
) -> Result<ImportView, StoreError> {
    // Once it ended the job holds all counts itself.
    let ranges = match job.status {
        JobStatus::Importing => store.ranges(job.tenant, job.id).await?,
        _ => Vec::new(),
    };
    let upload = match job.status {
        JobStatus::AwaitingUpload => {
            Some(objects.presign_put(&Job::upload_key(job.tenant, job.id), LINKS_VALID_FOR).await?)
        }
        _ => None,
    };
    let links = Links {
        upload,
        errors: report_link(objects, &job, "errors", job.has_errors).await?,
        warnings: report_link(objects, &job, "warnings", job.warnings > 0).await?,
    };
    Ok(shown(job, &ranges, links))
}

struct Links {
    upload: Option<Upload>,
    errors: Option<String>,
    warnings: Option<String>,
}

async fn report_link(
    objects: &impl Objects,
    job: &Job,
    report: &str,
    is_there: bool,
) -> Result<Option<String>, StoreError> {
    if !is_there {
        return Ok(None);
    }
    let key = job.object_key(&format!("{report}.csv"));
    let name = report_name(&job.filename, report);
    Ok(Some(objects.presign_get(&key, &name, LINKS_VALID_FOR).await?))
}

fn shown(job: Job, ranges: &[Range], links: Links) -> ImportView {
    let counted = ranges.iter().fold(RowCounts::default(), |sum, range| sum + range.checkpoint.rows);
    let rows = job.rows.unwrap_or(counted);
    let consumed = ranges.iter().fold(job.consumed, |sum, range| sum + range.checkpoint.consumed);
    ImportView {
        id: job.id,
        status: job.status,
        filename: job.filename,
        progress: progress(job.status, rows.total(), job.rows_total),
        rows: RowsView {
            total: job.rows_total,
            created: rows.created,
            updated: rows.updated,
            unchanged: rows.unchanged,
            invalid: rows.invalid,
            duplicate: rows.duplicate,
            suppressed: rows.suppressed,
            skipped: rows.skipped,
        },
        format: job.format.map(|format| FormatView {
            encoding: format.encoding,
            kind: format.kind.as_str(),
            delimiter: format.delimiter,
        }),
        columns: job.columns.into_iter().map(column).collect(),
        upload: links.upload.map(|Upload { url, headers }| UploadView { method: "PUT", url, headers }),
        errors_url: links.errors,
        warnings: ranges.iter().fold(job.warnings, |sum, range| sum + range.checkpoint.warnings),
        warnings_url: links.warnings,
        error: job.refusal.map(|FileRefusal { code, detail }| RefusalView { code, detail }),
        consumed: consumed_view(consumed),
        created_at: moment(job.created_at),
        started_at: job.started_at.map(moment),
        finished_at: job.finished_at.map(moment),
    }
}

fn progress(status: JobStatus, counted: u64, total: Option<u64>) -> f64 {
    match (status, total) {
        (JobStatus::Done, _) => 1.0,
        (JobStatus::Importing, Some(total)) if total > 0 => counted as f64 / total as f64,
        _ => 0.0,
    }
}

fn column(PlannedColumn { column, id }: PlannedColumn) -> ColumnView {
    let is_attribute = matches!(column.field, Some(Target::Attribute(_)));
    ColumnView {
        name: column.name,
        field: column.field.map(|field| field.to_string()),
        kind: id.filter(|_| is_attribute).map(|id| id.kind),
    }
}

fn consumed_view(Consumed { write_units, read_units }: Consumed) -> ConsumedView {
    ConsumedView { write_units, read_units }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Names the report after the file, with only what every header and file system takes.
fn report_name(filename: &str, report: &str) -> String {
    let stem = filename.rsplit_once('.').map_or(filename, |(stem, _)| stem);
    let safe: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' })
        .collect();
    format!("{safe}-{report}.csv")
}
