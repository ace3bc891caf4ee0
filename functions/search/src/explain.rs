use std::sync::Arc;

use api::rule::{Asked, RuleStore, WarningView, bound_to};
use api::{ApiError, App, Caller, JsonObject, Location, Members, Problem};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, SecondsFormat, Utc};
use model::rule::{Explanation, FieldRef, Rule, StandardField, Subject};
use model::{Invalid, ListBook};
use serde::Serialize;
use serde_json::{Value, json};
use store::Freshness;
use utoipa::ToSchema;
use uuid::Uuid;

/// A contact, and a rule in one of its spellings.
#[derive(ToSchema)]
#[schema(as = ExplainInput)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct ExplainInput {
    /// The contact's id or email.
    #[schema(example = "jane@example.com")]
    contact: String,
    /// The rule as a query string; absent where `rule` is given.
    #[schema(example = "last_opened_at:<30d AND score:>50")]
    query: Option<String>,
    /// The rule as a tree; absent where `query` is given.
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
}

/// Why a contact is meant by a rule, or is not.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedRule {
    /// The contact's id.
    contact: Uuid,
    /// Whether the rule holds of the contact.
    member: bool,
    /// The first instant at which that changes if nothing but time passes; null is never, or not
    /// within 30 years where anniversaries are part of the rule.
    #[schema(example = "2026-12-20T08:00:00Z")]
    changes_at: Option<String>,
    /// The now of this answer.
    evaluated_at: String,
    /// In whose days, weeks and months was counted.
    #[schema(example = "UTC")]
    time_zone: String,
    /// The canonical query string.
    query: String,
    /// The canonical tree.
    #[schema(value_type = Object)]
    rule: Value,
    /// The rule node by node.
    explanation: ExplainedNode,
    /// What is odd about the rule.
    warnings: Vec<WarningView>,
}

/// One node of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedNode {
    /// `all`, `any`, `not`, `field`, `words`, `list` or `segment`.
    #[schema(example = "field")]
    node: &'static str,
    /// The node as a query string.
    #[schema(example = "score:>50")]
    query: String,
    /// Whether it holds of the contact.
    truth: bool,
    /// The value that a condition read; null is a missing one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, required = false)]
    value: Option<Value>,
    /// When the truth of this node changes if nothing but time passes.
    changes_at: Option<String>,
    /// The nodes below; below a segment is its rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, no_recursion)]
    nodes: Vec<ExplainedNode>,
}

/// Tells whether a contact is meant by a rule, why, and when that changes.
#[utoipa::path(
    post,
    path = "/api/v1/rules/explain",
    tag = "rules",
    request_body = ExplainInput,
    responses(
        (status = 200, body = ExplainedRule),
        (status = 400, body = Problem, description = "The rule is not understood; each fault with its column or pointer"),
        (status = 404, body = Problem, description = "`contact_not_found`"),
        (status = 422, body = Problem, description = "The rule names a list or segment that there is not"),
    )
)]
pub async fn explain<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    body: JsonObject,
) -> Result<Json<ExplainedRule>, ApiError> {
    let mut members = Members::new(body.members);
    let contact = match members.require("contact") {
        Some(Value::String(contact)) => Some(contact),
        Some(_) => {
            members.fault("contact", Invalid::new("wrong_type", "give an id or an email address"));
            None
        }
        None => None,
    };
    let asked = Asked::read(&mut members);
    members.finish()?;
    let (Some(contact), Some(asked)) = (contact, asked) else {
        return Err(ApiError::malformed("no contact or no rule"));
    };
    let parsed = asked.parse()?;
    let lists = if parsed.rule.names_lists() {
        app.store.lists(&caller.tenant, Freshness::Strong).await?
    } else {
        Arc::default()
    };
    let (bound, warnings) = bound_to(app.now(), &app.store, &caller, &parsed, lists.as_ref()).await?;
    let contact = Location::parse(&contact)?.find(&app.store, &caller).await?;
    let contact = contact.ok_or_else(|| ApiError::not_found("contact"))?;
    let explanation = bound.explain(&parsed.rule, Subject::of(&contact));
    Ok(Json(ExplainedRule {
        contact: contact.id.as_uuid(),
        member: explanation.holds,
        changes_at: explanation.changes_at.map(moment),
        evaluated_at: moment(bound.moment.now),
        time_zone: bound.moment.zone.to_string(),
        query: parsed.rule.to_string(),
        rule: parsed.rule.to_json(),
        explanation: ExplainedNode::of(explanation, &lists),
        warnings: warnings.into_iter().map(WarningView::from).collect(),
    }))
}

impl ExplainedNode {
    fn of(explanation: Explanation, lists: &ListBook) -> Self {
        let (node, is_leaf) = match &explanation.rule {
            Rule::All(_) => ("all", false),
            Rule::Any(_) => ("any", false),
            Rule::Not(_) => ("not", false),
            Rule::Field { .. } => ("field", true),
            Rule::Words(_) => ("words", true),
            Rule::List(_) => ("list", true),
            Rule::Segment(_) => ("segment", false),
        };
        Self {
            node,
            query: explanation.rule.to_string(),
            truth: explanation.holds,
            value: is_leaf.then(|| value(&explanation, lists)),
            changes_at: explanation.changes_at.map(moment),
            nodes: explanation.children.into_iter().map(|node| Self::of(node, lists)).collect(),
        }
    }
}

/// Gives the value that a condition read; static lists are told by their ids, as contacts are shown.
fn value(explanation: &Explanation, lists: &ListBook) -> Value {
    let read = explanation.value.clone().unwrap_or_default();
    match &explanation.rule {
        Rule::Field { field: FieldRef::Standard(StandardField::Lists), .. } => {
            let numbers = serde_json::from_value(read).unwrap_or_default();
            let ids = lists.ids(&numbers);
            if ids.is_empty() { Value::Null } else { json!(ids) }
        }
        _ => read,
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
