//! The scoring rules as bodies have them.

use chrono::{DateTime, SecondsFormat, Utc};
use model::Tenant;
use model::scoring::{Refold, ScoringRules};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What events are worth, and what scores are called. What is left out is not there.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct ScoringInput {
    /// At most 100, in the order in which they look at an event; every one that fits counts.
    rules: Vec<RuleInput>,
    /// Above this no rule adds anything.
    #[schema(example = 1000)]
    max_score: Option<i64>,
    /// What time takes off the points of each event, in steps; nothing if absent.
    decay: Option<DecayInput>,
    /// From how many points on a contact is warm, and hot; 20 and 50 if absent.
    tiers: Option<TiersInput>,
}

/// How points decay: give one of both. Each step is an entry of `GET /contacts/{id}/score`. The clock
/// takes those that are due within the hour; what `set_to` made the score does not decay.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
struct DecayInput {
    /// All points of an event go so many days after it.
    #[schema(example = 90)]
    expire_after_days: Option<u16>,
    /// Half of what is left of an event's points goes every so many days, until nothing is left: of one
    /// point a half is nothing.
    #[schema(example = 30)]
    half_life_days: Option<u16>,
}

/// What events of one type are worth: give either `points` or `set_to`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
struct RuleInput {
    /// Names the rule in explanations.
    #[schema(example = "pricing_visited")]
    id: String,
    /// The type of the events.
    #[schema(example = "pricing_page.visited")]
    event: String,
    /// What has to be true of their properties, by the operators of rules.
    r#where: Option<Vec<PropertyTestInput>>,
    /// What has to be true of the contact when the event is recorded, as a query string or a tree. A
    /// condition that is new is not known of events that were recorded before.
    #[schema(value_type = Option<String>, example = "industry:SaaS")]
    condition: Option<Value>,
    /// What it adds, or takes off.
    #[schema(example = 20)]
    points: Option<i32>,
    /// What it makes the score; what happened before adds nothing any more.
    set_to: Option<i32>,
    /// Whether only the first event counts.
    once: Option<bool>,
    /// Most points of the rule over all.
    cap: Option<u32>,
    /// Most points of the rule in days that go together.
    window: Option<WindowInput>,
}

/// A test of one property of an event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
struct PropertyTestInput {
    #[schema(example = "bounce_type")]
    property: String,
    #[schema(example = "is")]
    op: String,
    #[schema(value_type = Option<String>, example = "hard")]
    value: Option<Value>,
}

/// Bounds what a rule adds within days that follow each other, the first of them since 1970 in UTC.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
struct WindowInput {
    #[schema(example = 10)]
    points: u32,
    #[schema(example = 1)]
    days: u16,
}

/// Where tiers begin.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
struct TiersInput {
    #[schema(example = 20)]
    warm: i64,
    #[schema(example = 50)]
    hot: i64,
}

/// The rules and tiers in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoringView {
    /// What events are worth, as they were given.
    #[schema(value_type = Vec<Object>)]
    rules: Value,
    /// Above this no rule adds anything; null for no bound.
    max_score: Option<i64>,
    /// What time takes off; null for nothing.
    #[schema(value_type = Option<Object>)]
    decay: Value,
    /// From how many points on a contact is warm, and hot.
    #[schema(value_type = Object)]
    tiers: Value,
    /// Counts the changes of what events are worth; 0 are the defaults.
    version: u64,
    /// How far the contacts are scored by these rules; null where these are the first ones.
    refold: Option<RefoldView>,
}

/// How far the contacts are scored by the rules in force.
#[derive(Debug, Serialize, ToSchema)]
struct RefoldView {
    /// `running` or `done`.
    #[schema(example = "running")]
    status: &'static str,
    /// From 0 to 1.
    progress: f64,
    /// Contacts with events whose score was folded anew.
    contacts: u64,
    /// Null before it began.
    started_at: Option<String>,
    /// Null before it is done.
    finished_at: Option<String>,
}

/// Shows what is in force, with how far the contacts are.
pub(crate) fn view(tenant: &Tenant, rules: &ScoringRules, refold: Option<&Refold>) -> ScoringView {
    let version = tenant.scoring.version;
    let mut json = ScoringRules { tiers: tenant.scoring.tiers, ..rules.clone() }.to_json();
    let mut member = |name: &str| json.get_mut(name).map(Value::take).unwrap_or_default();
    ScoringView {
        rules: member("rules"),
        max_score: rules.max_score,
        decay: member("decay"),
        tiers: member("tiers"),
        version,
        refold: (version > 0).then(|| progress(refold)),
    }
}

fn progress(refold: Option<&Refold>) -> RefoldView {
    let Some(refold) = refold else {
        return RefoldView {
            status: "running",
            progress: 0.0,
            contacts: 0,
            started_at: None,
            finished_at: None,
        };
    };
    RefoldView {
        status: if refold.is_done() { "done" } else { "running" },
        progress: refold.progress(),
        contacts: refold.contacts(),
        started_at: Some(moment(refold.plan.started_at)),
        finished_at: refold.finished_at().map(moment),
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
