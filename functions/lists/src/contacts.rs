use api::rule::{Found, FoundContacts, PageAsked, RuleStore, found as found_page};
use api::{ApiError, App, Caller, PathText, Problem, QueryParams};
use axum::extract::State;
use model::Status;
use model::rule::{Comparison, Condition, FieldRef, Literal, Rule, StandardField};
use serde::Deserialize;
use store::Freshness;
use utoipa::{IntoParams, ToSchema};

use crate::input::found;
use crate::rules::{rule_of, unplaced};

/// Says whom of a list to give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Whom {
    /// Those that may be written to.
    #[default]
    Active,
    /// All of them.
    Any,
}

/// Says which page, in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MembersParams {
    /// `active`, if absent: whoever unsubscribed, bounced or did not confirm is left out. `any` gives
    /// them, too.
    #[serde(default)]
    #[param(value_type = String, required = false, example = "active")]
    status: Whom,
    /// The field to sort by, with `-` in front for the largest first, as in a search.
    #[param(example = "-score")]
    sort: Option<String>,
    /// Most contacts of a page, 1 to 200; 50 if absent.
    limit: Option<usize>,
    /// Where the previous page ended. It goes with the same list and order, and keeps the clock.
    cursor: Option<String>,
}

/// Gives the contacts on a list, page by page.
#[utoipa::path(
    get,
    path = "/api/v1/lists/{id}/contacts",
    tag = "lists",
    params(("id" = String, Path, description = "The UUID, or the URL-encoded name"), MembersParams),
    responses(
        (status = 200, body = FoundContacts),
        (status = 400, body = Problem, description = "The order or the cursor is not understood"),
        (status = 404, body = Problem, description = "`list_not_found`"),
        (status = 410, body = Problem, description = "`cursor_expired`"),
        (status = 422, body = Problem, description = "`too_broad`: the index does not tell, and too many contacts would have to be looked at"),
    )
)]
pub async fn contacts<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
    QueryParams(params): QueryParams<MembersParams>,
) -> Result<Found, ApiError> {
    let book = app.store.lists(&caller.tenant, Freshness::Strong).await?;
    let rule = rule_of(found(&book, &id)?).ok_or_else(|| ApiError::not_found("list"))?;
    let MembersParams { status, sort, limit, cursor } = params;
    let rule = match status {
        Whom::Active => Rule::All(vec![rule, active()]),
        Whom::Any => rule,
    };
    found_page(&app, &caller, &unplaced(rule), PageAsked { sort, limit, cursor }).await
}

fn active() -> Rule {
    let status = Literal::Text(Status::Active.as_str().to_owned());
    Rule::Field {
        field: FieldRef::Standard(StandardField::Status),
        condition: Condition::One(Comparison::Is, status),
    }
}
