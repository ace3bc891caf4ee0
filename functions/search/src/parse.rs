use std::collections::BTreeSet;

use api::rule::{Asked, RuleStore, WarningView, bound_to};
use api::{ApiError, App, Caller, JsonObject, Problem};
use axum::Json;
use axum::extract::State;
use model::ListNumber;
use model::rule::{ListRef, Lists, Rule, Segment};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A rule in one of its spellings.
#[derive(ToSchema)]
#[schema(as = RuleInput)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct RuleInput {
    /// The rule as a query string; absent where `rule` is given.
    #[schema(example = "industry:SaaS score>50 -tag:partner")]
    query: Option<String>,
    /// The rule as a tree; absent where `query` is given.
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
}

/// A rule in both of its spellings.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParsedRule {
    /// The canonical query string.
    #[schema(example = "industry:SaaS AND score:>50 AND NOT tag:partner")]
    query: String,
    /// The canonical tree.
    #[schema(value_type = Object)]
    rule: Value,
    /// What is odd about it.
    warnings: Vec<WarningView>,
}

/// Reads a rule in either spelling and answers with both.
///
/// A query string joins conditions by `AND` (or by standing side by side), `OR`, `NOT` or `-`, and
/// brackets: `industry:SaaS AND (score:>50 OR tier:hot) AND NOT status:unsubscribed`. A condition
/// is `field:value`, `field:"two words"`, `field:(a OR b)`, `field:10..20`, `field:jan*`,
/// `field:*part*`, `field:>5`, `has:field`, `missing:field`, `tag:name`, `list:name`,
/// `segment:name`, `last_opened_at:<30d` (within the last 30 days), `last_opened_at:>30d` (longer
/// ago), `created_at:this_month`, or any operator by its name, as in `industry:not_in(a, b)`. Bare
/// words look for the start of words of the names and the company, and of the email.
#[utoipa::path(
    post,
    path = "/api/v1/rules/parse",
    tag = "rules",
    request_body = RuleInput,
    responses(
        (status = 200, body = ParsedRule),
        (status = 400, body = Problem, description = "The rule is not understood; each fault with its column or pointer"),
    )
)]
pub async fn parse<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    body: JsonObject,
) -> Result<Json<ParsedRule>, ApiError> {
    let parsed = Asked::alone(body)?.parse()?;
    let (_, warnings) = bound_to(app.now(), &app.store, &caller, &parsed, &AnyLists).await?;
    Ok(Json(ParsedRule {
        query: parsed.rule.to_string(),
        rule: parsed.rule.to_json(),
        warnings: warnings.into_iter().map(WarningView::from).collect(),
    }))
}

/// Takes every name for a list and a segment: reading a rule does not look them up.
struct AnyLists;

impl Lists for AnyLists {
    fn list(&self, _: &ListRef) -> Option<ListNumber> {
        Some(ListNumber(0))
    }

    fn segment(&self, name: &ListRef) -> Option<Segment> {
        let rule = Rule::List(name.clone());
        Some(Segment { number: ListNumber(0), name: name.as_str().to_owned(), rule })
    }

    fn statics(&self) -> BTreeSet<ListNumber> {
        BTreeSet::new()
    }
}
