//! Comparing the index with the contacts, and putting it right, piece by piece.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::{ApiError, App, Caller, JsonObject, Members, Problem};
use axum::Json;
use axum::extract::State;
use index::{Audit, Block, Difference, IndexedFields, NotBuilt, Subject, Writer};
use model::{Fields, Invalid, Ordinal};
use serde::Serialize;
use store::{Consistency, ContactFacts, Freshness, StoreError, index_generation};
use utoipa::ToSchema;

use api::rule::RuleStore;

/// What is still on its way through the stream is no fault: differences count that are there after
/// this, too.
const SETTLES_IN_S: u64 = 3;
const MAX_SETTLES_IN_S: u64 = 10;

/// An answer stays well under what a function may answer with.
const MAX_LISTED: usize = 5_000;
/// So many contacts of a difference are named, and so many of all.
const NAMED_EACH: usize = 3;
const MAX_NAMED: usize = 500;

/// What to compare.
#[derive(ToSchema)]
#[schema(as = IndexAuditInput)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct AuditInput {
    /// Where to begin: 0, and then what `next` of the answer before said.
    #[schema(example = 0)]
    from: Option<u32>,
    /// Whether to put right what is found.
    #[schema(example = true)]
    repair: Option<bool>,
    /// Seconds, 0 to 10, after which a difference is no longer one that is on its way; 3 if absent.
    settle_s: Option<u64>,
}

/// What the index had wrong in one piece of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct IndexAudit {
    /// Where the next piece begins; none at the end.
    next: Option<u32>,
    /// Where the last piece ends, as far as is known now.
    end: u32,
    /// Contacts that were read.
    contacts: u64,
    /// Items of the index that were read.
    items: u64,
    /// What differed, at most 5,000 of it.
    differences: Vec<IndexDifference>,
    /// How many there were besides.
    unlisted: u64,
    /// How many were gone at a second look: they had been on their way.
    settled: u64,
    /// Leftovers of contacts that are gone. They give no wrong answer.
    leftovers: u64,
    /// Keys that are not of an index. Nothing reads or removes them.
    strange_keys: u64,
    /// How many differences and leftovers there are now.
    left: u64,
}

/// One set or column that did not hold what the contacts say.
#[derive(Debug, Serialize, ToSchema)]
pub struct IndexDifference {
    /// The field, or `contacts`, `words`, `presence`, `email_start`, `email_domain`, `phone_end`.
    #[schema(example = "company")]
    field: String,
    /// The value, of a set.
    #[schema(example = "acme")]
    value: Option<String>,
    /// How many contacts were not in it, or with another number.
    missing: u64,
    /// How many contacts were in it and should not be, or with another number.
    extra: u64,
    /// Whether any item could not be read.
    unreadable: bool,
    /// The ids of some of the contacts; of one that is gone there is none.
    contacts: Vec<String>,
}

/// Compares a piece of the search index with the contacts, and repairs it if that is asked for.
///
/// A piece is 65,536 ordinals. Done again it changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/index/audit",
    tag = "search",
    request_body = AuditInput,
    responses((status = 200, body = IndexAudit), (status = 422, body = Problem))
)]
pub async fn audit<S: RuleStore>(
    State(app): State<App<S>>,
    caller: Caller,
    body: JsonObject,
) -> Result<Json<IndexAudit>, ApiError> {
    let mut members = Members::new(body.members);
    let from = members.parse("from").unwrap_or(0);
    let repairs = members.parse("repair").unwrap_or(false);
    let settle_s: u64 = members.parse("settle_s").unwrap_or(SETTLES_IN_S);
    if settle_s > MAX_SETTLES_IN_S {
        let detail = format!("give at most {MAX_SETTLES_IN_S} seconds");
        members.fault("settle_s", Invalid::new("out_of_range", detail));
    }
    members.finish()?;

    let end = app.store.ordinals(&caller.tenant).await?.0;
    let block = Block::container(from);
    let facts = ContactFacts { store: &app.store, tenant: &caller.tenant };
    let writer = Writer::new(&app.store, &facts, index_generation(&caller.tenant));
    let mut wrong = writer.audit(block, &IndexedFields::of_contacts()).await.map_err(unfinished)?;
    let seen = wrong.differences.len() as u64;
    if has_any(&wrong) {
        tokio::time::sleep(Duration::from_secs(settle_s)).await;
        wrong = writer.audit_again(&wrong).await.map_err(unfinished)?;
    }
    let mut left = wrong.clone();
    if repairs && has_any(&wrong) {
        writer.repair(&wrong).await.map_err(unfinished)?;
        left = writer.audit_again(&wrong).await.map_err(unfinished)?;
    }
    let found = wrong.differences.len() as u64;
    tracing::info!(
        tenant.id = %caller.tenant.id,
        index.from = from,
        index.differences = found,
        index.left = left.differences.len(),
        "audited a piece of the index"
    );
    let differences = views(&app, &caller, &wrong).await?;
    let last = *block.ordinals().end();
    Ok(Json(IndexAudit {
        next: (last < end.saturating_sub(1)).then_some(last.saturating_add(1)),
        end,
        contacts: wrong.contacts,
        items: wrong.items,
        unlisted: found - differences.len() as u64,
        differences,
        settled: seen.saturating_sub(found),
        leftovers: wrong.garbage.len() as u64,
        strange_keys: wrong.strange_keys,
        left: (left.differences.len() + left.garbage.len()) as u64,
    }))
}

fn has_any(audit: &Audit) -> bool {
    !(audit.differences.is_empty() && audit.garbage.is_empty())
}

/// Asks to come again: what was written is right, and nothing else is lost.
pub(crate) fn unfinished(error: NotBuilt) -> ApiError {
    StoreError::Unavailable(error.into()).into()
}

async fn views<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    audit: &Audit,
) -> Result<Vec<IndexDifference>, ApiError> {
    let listed = audit.differences.get(..MAX_LISTED).unwrap_or(&audit.differences);
    let concerned = |difference: &Difference| -> Vec<Ordinal> {
        let ordinals = &difference.missing | &difference.extra;
        ordinals.iter().take(NAMED_EACH).map(Ordinal).collect()
    };
    let named: BTreeSet<Ordinal> = listed.iter().flat_map(concerned).take(MAX_NAMED).collect();
    let named: Vec<Ordinal> = named.into_iter().collect();
    let contacts = app.store.by_ordinals(&caller.tenant, &named, Consistency::Eventual).await?;
    let ids: BTreeMap<Ordinal, String> =
        contacts.iter().map(|contact| (contact.ordinal, contact.id.to_string())).collect();
    let fields = app.store.fields(&caller.tenant, Freshness::Cached).await?;
    let views = listed.iter().map(|difference| IndexDifference {
        field: name(&fields, difference.cell.subject()),
        value: difference.cell.value_text(),
        missing: difference.missing.len(),
        extra: difference.extra.len(),
        unreadable: difference.is_unreadable,
        contacts: concerned(difference).iter().filter_map(|ordinal| ids.get(ordinal).cloned()).collect(),
    });
    Ok(views.collect())
}

fn name(fields: &Fields, subject: Subject) -> String {
    match subject {
        Subject::Contacts => "contacts".to_owned(),
        Subject::Standard(name) => name.to_owned(),
        Subject::Presence => "presence".to_owned(),
        Subject::Unknown => "unknown".to_owned(),
        Subject::Attribute(number) => {
            let has = |field: &&model::Field| {
                field.id.number == number || field.formerly.iter().any(|id| id.number == number)
            };
            let field = fields.iter().find(has);
            field.map_or_else(|| format!("attribute {number}"), |field| field.slug.to_string())
        }
    }
}

#[cfg(test)]
mod tests;
