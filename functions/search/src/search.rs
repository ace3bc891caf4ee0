use api::rule::{Asked, Found, FoundContacts, PageAsked, RuleStore, found};
use api::{ApiError, App, Caller, JsonObject, Members, Problem, QueryParams};
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Says whom to find.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchParams {
    /// The rule as a query string.
    #[param(example = "industry:SaaS AND score:>50")]
    query: String,
    /// The field to sort by, with `-` in front for the largest first: `score`, `created_at`,
    /// `last_opened_at` and its like, `first_name`, `last_name`, `company`, `job_title`, a custom
    /// number, date or text; instants are in the order of their minutes,
    /// `created_at` of its seconds. Who has no value comes
    /// last. The newest contacts come first if absent.
    #[param(example = "-score")]
    sort: Option<String>,
    /// Most contacts of a page, 1 to 200; 50 if absent.
    limit: Option<usize>,
    /// Where the previous page ended. It goes with the same rule and order, and keeps the clock.
    cursor: Option<String>,
}

/// Whom to find.
#[derive(ToSchema)]
#[schema(as = SearchInput)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct SearchInput {
    /// The rule as a query string; absent where `rule` is given.
    #[schema(example = "industry:SaaS AND score:>50")]
    query: Option<String>,
    /// The rule as a tree; absent where `query` is given.
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
    /// As in the query of the same path.
    #[schema(example = "-score")]
    sort: Option<String>,
    /// 1 to 200; 50 if absent.
    limit: Option<usize>,
    /// Where the previous page ended.
    cursor: Option<String>,
}

/// Finds the contacts that a query string means.
#[utoipa::path(
    get,
    path = "/api/v1/contacts/search",
    tag = "search",
    params(SearchParams),
    responses(
        (status = 200, body = FoundContacts),
        (status = 400, body = Problem, description = "The rule, the order or the cursor is not understood; each fault with its column"),
        (status = 410, body = Problem, description = "`cursor_expired`"),
        (status = 422, body = Problem, description = "`too_broad`: the index does not tell, and too many contacts would have to be looked at"),
    )
)]
pub async fn search_by_query<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    QueryParams(params): QueryParams<SearchParams>,
) -> Result<Found, ApiError> {
    let SearchParams { query, sort, limit, cursor } = params;
    found(&app, &caller, &Asked::Query(query).parse()?, PageAsked { sort, limit, cursor }).await
}

/// Finds the contacts that a rule means.
#[utoipa::path(
    post,
    path = "/api/v1/contacts/search",
    tag = "search",
    request_body = SearchInput,
    responses(
        (status = 200, body = FoundContacts),
        (status = 400, body = Problem, description = "The rule, the order or the cursor is not understood; each fault with its column or pointer"),
        (status = 410, body = Problem, description = "`cursor_expired`"),
        (status = 422, body = Problem, description = "`too_broad`: the index does not tell, and too many contacts would have to be looked at"),
    )
)]
pub async fn search<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    body: JsonObject,
) -> Result<Found, ApiError> {
    let mut members = Members::new(body.members);
    let asked = Asked::read(&mut members);
    let page = PageAsked::read(&mut members);
    members.finish()?;
    let asked = asked.ok_or_else(|| ApiError::malformed("no rule"))?;
    found(&app, &caller, &asked.parse()?, page).await
}
