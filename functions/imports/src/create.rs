use api::{Answer, ApiError, Caller, IdempotencyKey, JsonObject, Members, Problem, once};
use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use model::TenantId;
use store::{Freshness, IMPORTS_AT_ONCE, ItemOutcome, Job, JobStatus, Outcome, StoreError};
use uuid::Uuid;

use crate::view::view;
use crate::{Deps, Objects, Store, options};

/// Starts an import: the answer says where to send the file, and loading starts by itself.
#[utoipa::path(
    post,
    path = "/api/v1/imports",
    tag = "imports",
    params(("Idempotency-Key" = Option<String>, Header, description = "Sends the same request again safely, for 24 hours")),
    request_body = crate::options::ImportInput,
    responses(
        (status = 201, body = crate::view::ImportView, description = "PUT the file to `upload.url` within an hour"),
        (status = 422, body = Problem, description = "Each fault with its pointer"),
        (status = 429, body = Problem, description = "`too_many_imports`: 20 are under way"),
    )
)]
pub async fn create<S: Store, O: Objects>(
    State(Deps { app, objects }): State<Deps<S, O>>,
    caller: Caller,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Response, ApiError> {
    let key = key.request(&caller, &body.bytes);
    let mut members = Members::new(body.members);
    let options::Asked { filename, mut options, lists } = options::read(&mut members);
    members.finish()?;
    let act = async || {
        if under_way(&app.store, caller.tenant.id, app.now()).await? >= IMPORTS_AT_ONCE {
            return Err(too_many());
        }
        if !lists.is_empty() {
            let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
            options.lists = options::lists(&book, &lists)?;
        }
        // Real time: ids sort by it, and it must not jump with the domain's clock.
        let job = Job::new(Uuid::now_v7(), caller.tenant.id, filename, options, app.now());
        app.store.create_job(&job).await?;
        let whole = ItemOutcome { status: 201, id: Some(job.id), code: None };
        let response = created(&app.store, &objects, job).await?;
        Ok(Answer { response, outcome: Outcome { whole, items: Vec::new() } })
    };
    let replay = async |outcome: Outcome| {
        let id = outcome.whole.id.ok_or_else(|| ApiError::not_found("import"))?;
        let job = app.store.job(caller.tenant.id, id).await?;
        created(&app.store, &objects, job.ok_or_else(|| ApiError::not_found("import"))?).await
    };
    once(&app.store, key, act, replay).await
}

/// Counts the latest imports that are not over, so that one tenant's burst does not fill the queue
/// that all share. A link that nobody used in an hour is good for nothing and does not count.
async fn under_way<S: Store>(store: &S, tenant: TenantId, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let jobs = store.jobs(tenant, None, IMPORTS_AT_ONCE).await?;
    let is_under_way = |job: &&Job| match job.status {
        JobStatus::AwaitingUpload => now - job.created_at < TimeDelta::hours(1),
        JobStatus::Planning | JobStatus::Importing => true,
        JobStatus::Done | JobStatus::Failed => false,
    };
    Ok(jobs.iter().filter(is_under_way).count())
}

fn too_many() -> ApiError {
    let detail = format!("{IMPORTS_AT_ONCE} imports are under way; wait until one of them is over");
    Problem {
        retry_after_s: Some(10),
        ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_imports", detail)
    }
    .into()
}

async fn created<S: Store, O: Objects>(store: &S, objects: &O, job: Job) -> Result<Response, ApiError> {
    let location = HeaderValue::from_str(&format!("{}/imports/{}", api::PREFIX, job.id));
    let mut response = (StatusCode::CREATED, Json(view(store, objects, job).await?)).into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}
