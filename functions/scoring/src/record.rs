//! The events of one address: into the ledger of its contact, with everything they change.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use model::rule::Zone;
use model::scoring::{Event, Fact, Position, Score, ScoringRules, engaged, status_after};
use model::{Contact, Email, Profile, Standing, Tenant};
use store::{FACTS_A_WRITE, Freshness, LedgerWrite, Recorded, StoreError};

use crate::decay::wake_clock;
use crate::unknown::{Found, unknown};
use crate::{Deps, ScoringError, ScoringStore};

/// How often a contact may change under its events before they are delivered again.
const ROUNDS: u32 = 8;

/// Counts what became of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    /// New in a ledger.
    pub(crate) recorded: usize,
    /// In their ledger before.
    pub(crate) known: usize,
    /// Waiting for a contact.
    pub(crate) parked: usize,
    /// Contacts that were made for them.
    pub(crate) created: usize,
    /// Of erased people, of whom nothing is kept.
    pub(crate) erased: usize,
}

impl std::ops::AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.recorded += other.recorded;
        self.known += other.known;
        self.parked += other.parked;
        self.created += other.created;
        self.erased += other.erased;
    }
}

/// Says what facts change of their contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effects {
    /// Its score, its moments of engagement and its status.
    All,
    /// Not its status.
    ScoreAndEngagement,
}

/// Is what is known of a fact before its contact is.
pub(crate) type Facts = BTreeMap<Position, Fact>;

/// Records the events of one address; `held` is its contact, if that was read.
pub(crate) async fn record<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    email: &Email,
    held: Option<Contact>,
    events: Vec<Event>,
) -> Result<Outcome, ScoringError> {
    let typed = events.first().map(|event| event.email_typed.clone()).unwrap_or_default();
    let told = events.len();
    let facts: Facts = events
        .iter()
        .map(|event| Fact::of(event, BTreeSet::new()))
        .map(|fact| (fact.position.clone(), fact))
        .collect();
    // The same one twice in a batch is known, too.
    let mut outcome = Outcome { known: told - facts.len(), ..Outcome::default() };
    let found = match held {
        Some(contact) => Standing::Held(Box::new(contact)),
        None => standing(deps, tenant, email).await?,
    };
    let contact = match found {
        Standing::Held(contact) => *contact,
        standing => match unknown(deps, tenant, email, &typed, standing, &facts).await? {
            Found::Contact { contact, is_new } => {
                outcome.created = usize::from(is_new);
                *contact
            }
            Found::Parked => return Ok(Outcome { parked: facts.len(), ..outcome }),
            Found::Erased => return Ok(Outcome { erased: facts.len(), ..outcome }),
        },
    };
    outcome += into_ledger(deps, tenant, contact, facts, Effects::All).await?;
    Ok(outcome)
}

/// Adds facts to the ledger of a contact, and folds it anew where newer rules are in force than
/// those that made its score; without facts only that.
///
/// # Errors
/// [`ScoringError::Contended`] when the contact kept changing, or is gone.
pub(crate) async fn into_ledger<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    contact: Contact,
    facts: Facts,
    effects: Effects,
) -> Result<Outcome, ScoringError> {
    let email = contact.profile.email.clone();
    let is_first = contact.fold.last.is_none();
    let outcome = add(deps, tenant, contact, facts, effects).await?;
    // Whoever goes through all contacts for newer rules changes each that has facts, and so a write
    // under the former ones fails; a contact without facts is left alone. So of the first ones it is
    // asked behind the write, as of those whose first delivery may have ended before it could ask.
    if is_first || outcome.known > 0 {
        keep_up(deps, tenant, &email, effects).await?;
    }
    Ok(outcome)
}

/// Folds a contact anew for as long as newer rules are in force than those that were last known.
async fn keep_up<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    email: &Email,
    effects: Effects,
) -> Result<(), ScoringError> {
    let mut version = tenant.scoring.version;
    loop {
        let newest = deps.newest(tenant.id).await?;
        let Some(newest) = newest.filter(|newest| newest.scoring.version != version) else { return Ok(()) };
        if let Standing::Held(contact) = standing(deps, &newest, email).await? {
            add(deps, &newest, *contact, Facts::new(), effects).await?;
        }
        version = newest.scoring.version;
    }
}

async fn add<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    mut contact: Contact,
    mut facts: Facts,
    effects: Effects,
) -> Result<Outcome, ScoringError> {
    let mut rules = deps.store.rules(tenant.id, tenant.scoring.version).await?;
    let mut outcome = Outcome::default();
    let mut round = 0;
    loop {
        if contact.fold.rules_version > rules.version {
            // Published since this instance asked.
            let newest = deps.newest(tenant.id).await?.ok_or(ScoringError::Contended)?;
            rules = deps.store.rules(tenant.id, newest.scoring.version).await?;
        }
        let now = deps.clock.now();
        if facts.is_empty() && !is_behind(&contact, &rules, now) {
            return Ok(outcome);
        }
        let some: Vec<Fact> = facts.values().take(FACTS_A_WRITE).cloned().collect();
        let some = with_conditions(deps, tenant, &contact, some, &rules).await?;
        let positions: Vec<Position> = some.iter().map(|fact| fact.position.clone()).collect();
        let write = write_of(deps, tenant, &contact, some, &rules, effects, now).await?;
        // Before the write: behind it nobody would look again.
        wake_clock(deps, tenant.id, &rules, &write, now).await?;
        match deps.store.record(tenant, write, now).await {
            Ok(Recorded::Done(after)) => {
                outcome.recorded += positions.len();
                positions.iter().for_each(|position| drop(facts.remove(position)));
                contact = *after;
                continue;
            }
            Ok(Recorded::Refused { known, standing }) => {
                outcome.known += known.len();
                known.iter().for_each(|position| drop(facts.remove(position)));
                match standing {
                    None => continue,
                    Some(Standing::Held(found)) => contact = *found,
                    // It was deleted, or moved to another address: the next delivery looks anew.
                    Some(_) => return Err(ScoringError::Contended),
                }
            }
            Err(StoreError::Unavailable(cause)) if round + 1 == ROUNDS => {
                return Err(StoreError::Unavailable(cause).into());
            }
            // Two transactions on one contact at once: one of them is refused.
            Err(StoreError::Unavailable(_)) => {
                let email = contact.profile.email.clone();
                match standing(deps, tenant, &email).await? {
                    Standing::Held(found) => contact = *found,
                    _ => return Err(ScoringError::Contended),
                }
            }
            Err(error) => return Err(error.into()),
        }
        round += 1;
        if round == ROUNDS {
            return Err(ScoringError::Contended);
        }
        tokio::time::sleep(Duration::from_millis(10 << round)).await;
    }
}

/// Tells whether a score was made by other rules than those in force, or time has taken some of it.
/// An empty ledger has the same under all rules, and at all times.
pub(crate) fn is_behind(contact: &Contact, rules: &ScoringRules, now: DateTime<Utc>) -> bool {
    contact.fold.last.is_some() && contact.fold.rules_version != rules.version || contact.fold.is_due(now)
}

/// Looks at the conditions of rules once, now.
async fn with_conditions<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    contact: &Contact,
    facts: Vec<Fact>,
    rules: &ScoringRules,
) -> Result<Vec<Fact>, StoreError> {
    if rules.rules.iter().all(|rule| rule.condition.is_none()) {
        return Ok(facts);
    }
    let fields = deps.store.fields(tenant, Freshness::Cached).await?;
    // It was checked when it was set; a database that has lost it since leaves UTC.
    let zone = Zone::parse(tenant.settings.time_zone.as_str()).unwrap_or_else(|_| Zone::utc());
    let met = |fact: Fact| Fact {
        met: rules.conditions_met(&fact.kind, fact.position.occurred_at, contact, &fields, &zone),
        ..fact
    };
    Ok(facts.into_iter().map(met).collect())
}

/// Folds new facts into the score of a contact, and gives the write of it all.
async fn write_of<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    contact: &Contact,
    facts: Vec<Fact>,
    rules: &ScoringRules,
    effects: Effects,
    now: DateTime<Utc>,
) -> Result<LedgerWrite, StoreError> {
    let before = Score { points: contact.score, fold: contact.fold.clone() };
    let score = match before.absorb(&facts, rules, now) {
        Ok(score) => score,
        Err(behind) => {
            let known = deps.store.facts(tenant.id, contact.id, behind.from.as_ref()).await?;
            before.refolded(&behind, &known, &facts, rules, now)
        }
    };
    let profile = &contact.profile;
    let status = match effects {
        Effects::All => status_after(profile.status, &facts),
        Effects::ScoreAndEngagement => profile.status,
    };
    let profile = Profile {
        status,
        grounds: profile.grounds.clone().filter(|_| status == profile.status),
        engagement: engaged(&profile.engagement, &facts),
        ..profile.clone()
    };
    Ok(LedgerWrite { before: contact.clone(), profile, score, facts })
}

/// Reads what stands at an address.
pub(crate) async fn standing<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    email: &Email,
) -> Result<Standing, StoreError> {
    let mut standings = deps.store.standings(tenant, std::slice::from_ref(email)).await?;
    Ok(standings.pop().unwrap_or(Standing::Free))
}
