//! Changes of static lists that go on behind the API.

use api::rule::{bound_at, unanswered};
use api::{ApiError, App, Caller, PathText};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use chrono::{SecondsFormat, TimeDelta};
use model::ListId;
use serde::Serialize;
use store::{
    ContactSearch, Freshness, LIST_JOBS_LIVE_FOR, ListEdit, ListJob, ListJobCounts, ListJobPlace,
    ListJobProblem, NamedPart, TimedTask, Timer,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ListsStore;
use crate::input::found;
use crate::members::Wanted;

/// Names that are kept and worked on together.
const NAMES_A_PART: usize = 1_000;

/// As many may be under way for a tenant.
const MAX_UNFINISHED: usize = 20;

/// How long after it was asked for a job is looked after, should whoever started it have died.
const LOOKED_AFTER: TimeDelta = TimeDelta::minutes(2);

/// A change of a list that goes on behind the API.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListJob)]
pub struct JobView {
    /// Names it.
    id: Uuid,
    /// The list that is changed.
    list_id: Uuid,
    /// `running`, `done` or `failed`.
    #[schema(example = "running")]
    status: &'static str,
    /// From 0 to 1.
    progress: f64,
    /// How many contacts were named or meant.
    total: u64,
    /// Contacts that are on the list by this.
    added: u64,
    /// Contacts that are off the list by this.
    removed: u64,
    /// Contacts for which it was so before.
    unchanged: u64,
    /// Contacts for which it failed.
    failed: u64,
    /// The first 100 failures.
    failures: Vec<FailureView>,
    /// Why it failed: `list_not_found` where the list was deleted, `expired` where it was not done
    /// within 30 days; else null.
    problem: Option<ListJobProblemView>,
    /// When it was asked for. It is kept for 30 days.
    created_at: String,
    /// When it ended.
    finished_at: Option<String>,
}

/// Why a change of a list ended early.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ListJobProblem)]
pub enum ListJobProblemView {
    /// The list was deleted.
    ListNotFound,
    /// It was not done in time.
    Expired,
}

/// A contact that was not changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListJobFailure)]
pub struct FailureView {
    /// `add` or `remove`.
    #[schema(example = "add")]
    op: &'static str,
    /// Its place in that list of the request; null where a rule meant it.
    index: Option<u64>,
    /// Why.
    #[schema(example = "contact_not_found")]
    code: String,
}

/// Changes of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListJobs {
    /// Those of the last 30 days, the newest first.
    items: Vec<JobView>,
}

/// Keeps what is to be done, and has it begun.
pub(crate) async fn start<S: ListsStore>(
    app: &App<S>,
    caller: &Caller,
    list: ListId,
    wanted: Wanted,
) -> Result<Response, ApiError> {
    let tenant = &caller.tenant;
    let unfinished = app.store.list_jobs(tenant.id).await?;
    if unfinished.iter().filter(|job| job.finished_at.is_none()).count() >= MAX_UNFINISHED {
        let detail = format!("{MAX_UNFINISHED} changes of lists are under way; wait for one of them to end");
        return Err(ApiError::conflict("too_many_jobs", detail, None));
    }
    let (now, id) = (app.now(), Uuid::new_v4());
    let names: Vec<NamedPart> =
        parts(ListEdit::Add, &wanted.add).chain(parts(ListEdit::Remove, &wanted.remove)).collect();
    let mut total = (wanted.add.len() + wanted.remove.len()) as u64;
    let mut meant = None;
    if let Some((edit, parsed)) = &wanted.query {
        let (rule, _) = bound_at(now, &app.store, caller, parsed).await?;
        let matches =
            ContactSearch { store: &app.store, tenant }.find(rule, None).await.map_err(unanswered)?;
        app.store.freeze(tenant.id, id, matches.ordinals(), LIST_JOBS_LIVE_FOR).await?;
        total += matches.total();
        meant = Some(*edit);
    }
    let parts = u32::try_from(names.len()).unwrap_or(u32::MAX);
    let place = if parts == 0 { ListJobPlace::Meant(None) } else { ListJobPlace::Names(0) };
    let job = ListJob {
        id,
        list,
        total,
        parts,
        meant,
        place,
        counts: ListJobCounts::default(),
        failures: Vec::new(),
        created_at: now,
        finished_at: None,
        problem: None,
        revision: 0,
    };
    // Before the job as well: whoever dies behind it leaves one that is begun all the same.
    for due_at in [now + LOOKED_AFTER, now] {
        app.store.set_timer(&Timer { tenant: tenant.id, task: TimedTask::Lists, due_at }).await?;
        if due_at > now {
            app.store.start_list_job(tenant.id, &job, &names).await?;
        }
    }
    let location = format!("/api/v1/lists/{list}/jobs/{id}");
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(JobView::of(job))).into_response())
}

fn parts(edit: ListEdit, names: &[String]) -> impl Iterator<Item = NamedPart> {
    let firsts = (0_u64..).step_by(NAMES_A_PART);
    firsts.zip(names.chunks(NAMES_A_PART)).map(move |(first, names)| NamedPart {
        edit,
        first,
        names: names.to_vec(),
    })
}

/// Lists the changes of a list that went on behind the API in the last 30 days, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/lists/{id}/jobs",
    tag = "lists",
    params(("id" = String, Path, description = "The UUID, or the URL-encoded name")),
    responses(
        (status = 200, body = ListJobs),
        (status = 404, body = api::Problem, description = "`list_not_found`"),
    )
)]
pub async fn jobs<S: ListsStore>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
) -> Result<Json<ListJobs>, ApiError> {
    let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
    let list = found(&book, &id)?.id;
    let jobs = app.store.list_jobs(caller.tenant.id).await?;
    let items = jobs.into_iter().filter(|job| job.list == list).map(JobView::of).collect();
    Ok(Json(ListJobs { items }))
}

/// Follows a change of a list that goes on behind the API.
#[utoipa::path(
    get,
    path = "/api/v1/lists/{id}/jobs/{job}",
    tag = "lists",
    params(
        ("id" = String, Path, description = "The UUID, or the URL-encoded name"),
        ("job" = String, Path, description = "The UUID of the change"),
    ),
    responses(
        (status = 200, body = JobView),
        (status = 404, body = api::Problem, description = "`list_not_found`, `job_not_found`"),
    )
)]
pub async fn job<S: ListsStore>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText((list, job)): PathText<(String, String)>,
) -> Result<Json<JobView>, ApiError> {
    let job = match Uuid::parse_str(&job) {
        Ok(job) => app.store.list_job(caller.tenant.id, job).await?,
        Err(_) => None,
    };
    let job = job.ok_or_else(|| ApiError::not_found("job"))?;
    let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
    // Also of a list that was deleted since, by its id.
    let is_of_list = job.list.to_string() == list || found(&book, &list)?.id == job.list;
    if is_of_list { Ok(Json(JobView::of(job))) } else { Err(ApiError::not_found("job")) }
}

impl JobView {
    fn of(job: ListJob) -> Self {
        let counts = job.counts;
        let shown = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let failures = job.failures.into_iter();
        Self {
            id: job.id,
            list_id: job.list.0,
            status: match (job.finished_at, job.problem) {
                (None, _) => "running",
                (Some(_), None) => "done",
                (Some(_), Some(_)) => "failed",
            },
            progress: if job.total == 0 { 1.0 } else { counts.done as f64 / job.total as f64 },
            total: job.total,
            added: counts.added,
            removed: counts.removed,
            unchanged: counts.unchanged,
            failed: counts.failed,
            failures: failures
                .map(|failure| FailureView {
                    op: failure.edit.as_str(),
                    index: failure.index,
                    code: failure.code,
                })
                .collect(),
            problem: job.problem.map(|problem| match problem {
                ListJobProblem::ListNotFound => ListJobProblemView::ListNotFound,
                ListJobProblem::Expired => ListJobProblemView::Expired,
            }),
            created_at: shown(job.created_at),
            finished_at: job.finished_at.map(shown),
        }
    }
}
