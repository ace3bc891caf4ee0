use api::rule::{Asked, RuleStore, WarningView, bound_at, unanswered};
use api::{ApiError, App, Caller, JsonObject, Problem, QueryParams};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{ContactSearch, UsageKind};
use utoipa::{IntoParams, ToSchema};

use crate::parse::RuleInput;

/// How many contacts a rule means.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactCount {
    /// How many, exactly, as far as the index has followed: usually within three seconds.
    #[schema(example = 123)]
    count: u64,
    /// What is odd about the rule.
    warnings: Vec<WarningView>,
}

/// Says what to count.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CountParams {
    /// The rule as a query string.
    #[param(example = "industry:SaaS AND score:>50")]
    query: String,
}

/// Counts the contacts that a query string means.
#[utoipa::path(
    get,
    path = "/api/v1/contacts/count",
    tag = "search",
    params(CountParams),
    responses(
        (status = 200, body = ContactCount),
        (status = 400, body = Problem, description = "The rule is not understood; each fault with its column"),
        (status = 422, body = Problem, description = "`too_broad`: the index does not tell, and too many contacts would have to be looked at"),
    )
)]
pub async fn count_by_query<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    QueryParams(params): QueryParams<CountParams>,
) -> Result<Json<ContactCount>, ApiError> {
    counted(&app, &caller, &Asked::Query(params.query)).await
}

/// Counts the contacts that a rule means.
#[utoipa::path(
    post,
    path = "/api/v1/contacts/count",
    tag = "search",
    request_body = RuleInput,
    responses(
        (status = 200, body = ContactCount),
        (status = 400, body = Problem, description = "The rule is not understood; each fault with its column or pointer"),
        (status = 422, body = Problem, description = "`too_broad`: the index does not tell, and too many contacts would have to be looked at"),
    )
)]
pub async fn count<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    body: JsonObject,
) -> Result<Json<ContactCount>, ApiError> {
    counted(&app, &caller, &Asked::alone(body)?).await
}

async fn counted<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    asked: &Asked,
) -> Result<Json<ContactCount>, ApiError> {
    let (rule, warnings) = bound_at(app.now(), &app.store, caller, &asked.parse()?).await?;
    let search = ContactSearch { store: &app.store, tenant: &caller.tenant };
    let used = app.count(caller.tenant.id, UsageKind::Searches);
    let (matches, used) = tokio::join!(search.find(rule, None), used);
    used?;
    let matches = matches.map_err(unanswered)?;
    let warnings = warnings.into_iter().map(WarningView::from).collect();
    Ok(Json(ContactCount { count: matches.total(), warnings }))
}
