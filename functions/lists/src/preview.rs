use api::rule::{Asked, Found, FoundContacts, PageAsked, RuleStore, found};
use api::{ApiError, App, Caller, JsonObject, Members, Problem};
use axum::extract::State;
use serde_json::Value;
use utoipa::ToSchema;

/// A rule that is not saved yet.
#[derive(ToSchema)]
#[schema(as = PreviewInput)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct PreviewInput {
    /// The rule as a query string; absent where `rule` is given.
    #[schema(example = "last_opened_at:>90d AND list:Newsletter")]
    query: Option<String>,
    /// The rule as a tree; absent where `query` is given.
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
    /// As in a search.
    #[schema(example = "-score")]
    sort: Option<String>,
    /// 1 to 200; 50 if absent.
    limit: Option<usize>,
    /// Where the previous page ended.
    cursor: Option<String>,
}

/// Who would be in a segment.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description; pages are written item by item")]
pub(crate) struct Preview {
    /// How many, exactly.
    #[schema(example = 123)]
    count: u64,
    #[serde(flatten)]
    page: FoundContacts,
}

/// Shows who would be in a segment of this rule: how many, and the first of them. Nothing is saved.
#[utoipa::path(
    post,
    path = "/api/v1/lists/preview",
    tag = "lists",
    request_body = PreviewInput,
    responses(
        (status = 200, body = Preview),
        (status = 400, body = Problem, description = "The rule, the order or the cursor is not understood; each fault with its column or pointer"),
        (status = 410, body = Problem, description = "`cursor_expired`"),
        (status = 422, body = Problem, description = "A list that there is not; `too_broad`"),
    )
)]
pub async fn preview<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    body: JsonObject,
) -> Result<Found, ApiError> {
    let mut members = Members::new(body.members);
    let asked = Asked::read(&mut members);
    let page = PageAsked::read(&mut members);
    members.finish()?;
    let asked = asked.ok_or_else(|| ApiError::malformed("no rule"))?;
    Ok(found(&app, &caller, &asked.parse()?, page).await?.as_preview())
}
