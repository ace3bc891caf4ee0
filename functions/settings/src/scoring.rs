//! The scoring rules and tiers over HTTP. Other rules fold all contacts anew in the background; other
//! tiers alone touch no contact.

use std::sync::Arc;
use std::time::Duration;

use api::{ApiError, Caller, ETag, FieldError, JsonObject, Preconditions, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::Tenant;
use model::rule::{Moment, Zone};
use model::scoring::{Published, Refold, RulesFault, ScoringRules};
use serde_json::{Map, Value};
use store::{Freshness, RefoldMessage, TimedTask, Timer};

use crate::scoring_view::{ScoringInput, ScoringView, view};
use crate::{Deps, Store, Sweeps};

const ROUNDS: usize = 8;
/// How long after its first message a refold is looked after, should that be lost.
const LOOKED_AFTER: Duration = Duration::from_secs(60);

/// Reads the scoring rules and tiers of the tenant, and how far its contacts are scored by them.
#[utoipa::path(
    get,
    path = "/api/v1/scoring",
    tag = "scoring",
    responses((status = 200, body = ScoringView, headers(("ETag" = String, description = "For `If-Match`"))))
)]
pub async fn read<S: Store, Q: Sweeps>(
    State(deps): State<Deps<S, Q>>,
    caller: Caller,
    conditions: Preconditions,
) -> Result<Response, ApiError> {
    let (tenant, rules) = in_force(&deps.app.store, &caller).await?;
    let refold = progress(&deps.app.store, &tenant).await?;
    // The tag is of the rules; while contacts are folded under them the answer changes beneath it.
    let is_settled = refold.as_ref().is_none_or(Refold::is_done);
    if is_settled && conditions.has_tag(Some(&tag(&tenant))) {
        return Ok((StatusCode::NOT_MODIFIED, etag(&tenant)).into_response());
    }
    Ok((etag(&tenant), Json(view(&tenant, &rules, refold.as_ref()))).into_response())
}

/// Replaces the scoring rules and tiers of the tenant. All instances follow within a minute. Where
/// events are worth something else, all contacts are scored anew in the background: follow
/// `refold` of `GET /scoring`. Preview it with `POST /scoring/preview`.
#[utoipa::path(
    put,
    path = "/api/v1/scoring",
    tag = "scoring",
    params(("If-Match" = Option<String>, Header, description = "Replaces only what was read")),
    request_body = ScoringInput,
    responses(
        (status = 200, body = ScoringView, headers(("ETag" = String, description = "For `If-Match`"))),
        (status = 412, body = Problem, description = "The rules are not as `If-Match` says"),
        (status = 422, body = Problem, description = "Each fault with its pointer"),
    )
)]
pub async fn replace<S: Store, Q: Sweeps>(
    State(deps): State<Deps<S, Q>>,
    caller: Caller,
    conditions: Preconditions,
    body: JsonObject,
) -> Result<Response, ApiError> {
    let Deps { app, queue, .. } = &deps;
    for _ in 0..ROUNDS {
        let (tenant, before) = in_force(&app.store, &caller).await?;
        conditions.check_tag(Some(&tag(&tenant)))?;
        let rules = proposed(&deps, &tenant, body.members.clone()).await?;
        let Published { revision, version, tiers } = tenant.scoring;
        let start = |rules_version| RefoldMessage { tenant: tenant.id, rules_version, range: None };
        let is_same = rules.scores_like(&before);
        if is_same && rules.tiers == tiers {
            let refold = progress(&app.store, &tenant).await?;
            // Whoever lost the message of the first attempt starts it so.
            if version > 0 && !refold.as_ref().is_some_and(Refold::is_done) {
                queue.send_refolds(&[start(version)]).await?;
            }
            return Ok((etag(&tenant), Json(view(&tenant, &before, refold.as_ref()))).into_response());
        }
        let version = if is_same { version } else { version + 1 };
        let published = Published { revision: revision + 1, version, tiers: rules.tiers };
        if !is_same {
            // Before they are in force: once they are, whatever happens here, somebody will look.
            queue.send_refold_later(start(version), LOOKED_AFTER).await?;
            if rules.decay.is_some() {
                let due_at = app.now() + LOOKED_AFTER;
                app.store.set_timer(&Timer { tenant: tenant.id, task: TimedTask::Scores, due_at }).await?;
            }
        }
        if app.store.publish_rules(&tenant, published, &rules).await? {
            app.forget_callers();
            if !is_same {
                queue.send_refolds(&[start(version)]).await?;
            }
            let tenant = Tenant { scoring: published, ..tenant };
            let refold = progress(&app.store, &tenant).await?;
            return Ok((etag(&tenant), Json(view(&tenant, &rules, refold.as_ref()))).into_response());
        }
        // Somebody else was first; who named a state is told so by the next look.
    }
    Err(ApiError::contended())
}

/// Reads the rules of a body under the version that comes next, and whether they fit the tenant.
pub(crate) async fn proposed<S: Store, Q: Sweeps>(
    Deps { app, .. }: &Deps<S, Q>,
    tenant: &Tenant,
    body: Map<String, Value>,
) -> Result<ScoringRules, ApiError> {
    let rules = ScoringRules::from_json(&Value::Object(body), tenant.scoring.version + 1).map_err(refused)?;
    // It was checked when it was set; a database that has lost it since leaves UTC.
    let zone = Zone::parse(tenant.settings.time_zone.as_str()).unwrap_or_else(|_| Zone::utc());
    let moment = Moment::new(app.now(), zone);
    let fields = app.store.fields(tenant, Freshness::Strong).await?;
    let misfits = rules.misfits(&fields, &moment);
    if misfits.is_empty() { Ok(rules) } else { Err(refused(misfits)) }
}

/// Reads what is in force. Not the caller's copy, which may be a minute old.
pub(crate) async fn in_force<S: Store>(
    store: &S,
    caller: &Caller,
) -> Result<(Tenant, Arc<ScoringRules>), ApiError> {
    let tenant = store.tenant(caller.tenant.id).await?.ok_or_else(|| ApiError::not_found("tenant"))?;
    let rules = store.rules(tenant.id, tenant.scoring.version).await?;
    Ok((tenant, rules))
}

async fn progress<S: Store>(store: &S, tenant: &Tenant) -> Result<Option<Refold>, ApiError> {
    match tenant.scoring.version {
        0 => Ok(None),
        version => Ok(store.refold(tenant.id, version).await?),
    }
}

fn refused(faults: Vec<RulesFault>) -> ApiError {
    let errors = faults.into_iter().map(|RulesFault { pointer, column, invalid }| FieldError {
        column,
        ..FieldError::new(pointer, invalid)
    });
    ApiError::invalid(errors.collect())
}

fn tag(tenant: &Tenant) -> ETag {
    ETag::of_revision("scoring", tenant.scoring.revision)
}

fn etag(tenant: &Tenant) -> [(HeaderName, HeaderValue); 1] {
    [(ETAG, tag(tenant).to_header())]
}
