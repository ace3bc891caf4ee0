//! Decay: what time takes off, in steps that the clock takes.
//!
//! Nothing is written down but the contact: that its score is decayed up to a moment stands in the same
//! item as the score, and the steps up to then follow from the ledger. So a step that comes twice, or
//! again after a crash, finds that it was taken.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use index::IndexTable;
use model::TenantId;
use model::scoring::{Decay, ScoringRules};
use store::{Consistency, ContactSearch, LedgerWrite, SearchError, StoreError, TimedTask, Timer};
use tokio::time::Instant;
use tracing::info;

use crate::refold::bring_up;
use crate::{Deps, ScoringError, ScoringStore};

/// The clock looks so often which contacts of a tenant are due. Points decay after whole days.
pub(crate) const BETWEEN_LOOKS: TimeDelta = TimeDelta::hours(1);

/// The index follows a contact within this.
const INDEX_FOLLOWS: TimeDelta = TimeDelta::seconds(3);

/// Contacts that are read together.
const PAGE: usize = 480;

/// Half of what the clock may take; then the rest waits for its next tick.
const TIME: Duration = Duration::from_secs(60);

/// Takes the steps of decay that are due for a tenant, and tells when to look again; never where its
/// points do not decay.
///
/// # Errors
/// When a store fails, or a contact keeps changing: call it again.
pub async fn take_steps<S: ScoringStore + IndexTable<Error = StoreError>>(
    deps: &Deps<S>,
    tenant: TenantId,
) -> Result<Option<DateTime<Utc>>, ScoringError> {
    let (began, now) = (Instant::now(), deps.clock.now());
    let Some(tenant) = deps.newest(tenant).await? else { return Ok(None) };
    let rules = deps.store.rules(tenant.id, tenant.scoring.version).await?;
    if rules.decay.is_none() {
        return Ok(None);
    }
    let due = ContactSearch { store: &deps.store, tenant: &tenant }.scores_due(now).await;
    let due = due.map_err(|failure| match failure {
        SearchError::Store(error) => error,
        // It asks for one number of contacts, which leaves nothing open.
        other => StoreError::Malformed(other.to_string()),
    })?;
    let mut taken = 0;
    for some in due.chunks(PAGE) {
        if began.elapsed() > TIME {
            return Ok(Some(deps.clock.now()));
        }
        // Who moves between the looks at the directory and at the contact has its turn an hour later.
        let contacts = deps.store.by_ordinals(&tenant, some, Consistency::Strong).await?;
        taken += bring_up(deps, &tenant, &rules, contacts).await?;
    }
    if taken > 0 {
        info!(tenant.id = %tenant.id, contacts = taken, "scores decayed");
    }
    Ok(Some(now + BETWEEN_LOOKS))
}

/// Has the clock look earlier than it would, where what is told late decays further before that.
pub(crate) async fn wake_clock<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: TenantId,
    rules: &ScoringRules,
    write: &LedgerWrite,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let next_look = now + BETWEEN_LOOKS;
    let is_late =
        |decay: Decay| write.facts.iter().any(|fact| decay.next(fact.position.occurred_at) < next_look);
    let soon = write.score.fold.changes_at.filter(|at| *at < next_look);
    let Some(at) = soon.filter(|_| rules.decay.is_some_and(is_late)) else { return Ok(()) };
    let due_at = at.max(now) + INDEX_FOLLOWS;
    deps.store.set_timer(&Timer { tenant, task: TimedTask::Scores, due_at }).await
}
