use api::rule::{Found, FoundContacts, PageAsked, found as found_page, walked};
use api::{ApiError, App, Caller, PathText, Problem, QueryParams};
use axum::extract::State;
use model::Status;
use model::rule::{Comparison, Condition, FieldRef, Literal, Rule, StandardField};
use serde::Deserialize;
use store::Freshness;
use utoipa::{IntoParams, ToSchema};

use crate::ListsStore;
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
    /// The field to sort by, with `-` in front for the largest first, as in a search; the newest
    /// contacts come first if absent.
    #[param(example = "-score")]
    sort: Option<String>,
    /// Most contacts of a page, 1 to 200; 50 if absent.
    limit: Option<usize>,
    /// Where the previous page ended. It goes with the same list, `status` and order.
    cursor: Option<String>,
}

/// Gives the contacts on a list, page by page.
///
/// Without `sort` this hands a list of any size over to a sender. The first page settles who is handed
/// over, as far as the index has followed by then (usually within three seconds), and the rest can be
/// walked through for 24 hours. Whoever was on the list then, and is when its page is asked for, comes
/// exactly once, as it is at that moment. Whoever comes onto the list later does not come, and whoever
/// left it, unsubscribed, bounced or was deleted before its page is asked for is not on it: a page may
/// so have fewer contacts than `limit`, or none, before the end. `total` counts those of the start.
/// For a rule time stands still meanwhile; where it is changed, nobody else comes, and whom it means
/// no longer is left out. With `sort` the pages are those of a search, for people to look at: they
/// follow every change.
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
pub async fn contacts<S: ListsStore>(
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
    let rule = unplaced(rule);
    match sort {
        None => walked(&app, &caller, &rule, limit, cursor.as_deref()).await,
        Some(_) => found_page(&app, &caller, &rule, PageAsked { sort, limit, cursor }).await,
    }
}

fn active() -> Rule {
    let status = Literal::Text(Status::Active.as_str().to_owned());
    Rule::Field {
        field: FieldRef::Standard(StandardField::Status),
        condition: Condition::One(Comparison::Is, status),
    }
}
