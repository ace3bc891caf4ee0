//! Sweeps: all contacts of a tenant are gone through for a field whose type changed, or that was
//! dropped.
//!
//! What is done to a contact is what any write of it would do under today's fields: the empty
//! change. So it can be done twice, and a contact that somebody else writes meanwhile is done by
//! that write. The field keeps how far the sweep is; a message for one that is over changes nothing.

use std::time::Duration;

use model::{Change, Contact, Field, FieldId, Standing, Sweep, Tenant};
use store::{FieldWrite, Freshness, ProfileUpdate, StoreError, SweepMessage, SweepQueue, Write, Written};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::share::{PAUSE, in_turn};
use crate::{Deps, ImportError, ImportStore};

/// Contacts that are read and written together.
const PAGE: usize = 200;
const ROUNDS: usize = 8;
const TIME_TO_HAND_OVER: Duration = Duration::from_secs(30);

/// Goes on with a sweep until it is over or the deadline is near.
pub(crate) async fn sweep<S: ImportStore, O, Q: SweepQueue, B>(
    deps: &Deps<S, O, Q, B>,
    message: SweepMessage,
    deadline: Option<Instant>,
) -> Result<(), ImportError> {
    let Some(tenant) = deps.store.tenant(message.tenant).await? else {
        warn!(tenant.id = %message.tenant, "dropped a sweep of no known tenant");
        return Ok(());
    };
    let name = format!("sweep#{}", message.field);
    match in_turn(&deps.store, tenant.id, &name, sweep_pages(deps, &tenant, message, deadline)).await? {
        Some(true) => {}
        Some(false) => deps.queue.send_sweep(message).await?,
        None => {
            deps.queue.send_sweep_later(message, PAUSE).await?;
            info!(tenant.id = %tenant.id, field.id = %message.field, "a sweep waits for others of its tenant");
        }
    }
    Ok(())
}

/// Sweeps until that is over (true) or the deadline is near (false).
async fn sweep_pages<S: ImportStore, O, Q, B>(
    deps: &Deps<S, O, Q, B>,
    tenant: &Tenant,
    message: SweepMessage,
    deadline: Option<Instant>,
) -> Result<bool, ImportError> {
    loop {
        let Some((field, change)) = open(&deps.store, tenant, message).await? else { return Ok(true) };
        if !page(deps, tenant, &field, &change).await? {
            info!(tenant.id = %tenant.id, field.id = %field.id, "finished the sweep of a field");
            return Ok(true);
        }
        if deadline.is_some_and(|deadline| Instant::now() + TIME_TO_HAND_OVER > deadline) {
            return Ok(false);
        }
    }
}

/// Gives the field of a sweep that is not over, and the empty change under today's fields.
async fn open<S: ImportStore>(
    store: &S,
    tenant: &Tenant,
    message: SweepMessage,
) -> Result<Option<(Field, Change)>, StoreError> {
    let fields = store.fields(tenant, Freshness::Strong).await?;
    let field = fields.by_id(message.field).filter(|field| field.sweep.is_some_and(|sweep| !sweep.done));
    Ok(field.map(|field| (field.clone(), Change { demands: fields.demands(), ..Change::default() })))
}

/// Does one page and keeps how far that is; false at the end.
async fn page<S: ImportStore, O, Q, B>(
    deps: &Deps<S, O, Q, B>,
    tenant: &Tenant,
    field: &Field,
    change: &Change,
) -> Result<bool, ImportError> {
    let Some(mut sweep) = field.sweep else { return Ok(false) };
    if sweep.below == sweep.start {
        // Those were created while some still wrote under the former id.
        sweep = Sweep::from_ordinal(deps.store.ordinals(tenant).await?.0);
    }
    let page = deps.store.page(tenant, Some(model::Ordinal(sweep.below)), PAGE).await?;
    let former = field.formerly.last();
    let kept = |contact: &&Contact| former.is_some_and(|old| stays(change, contact, *old));
    sweep.kept += page.contacts.iter().filter(kept).count() as u64;
    sweep.changed += settle(deps, tenant, change, page.contacts).await?;
    sweep.below = page.next_below.map_or(0, |below| below.0);
    sweep.done = page.next_below.is_none();
    if field.dropped && sweep.done {
        deps.store.remove_field(tenant, field).await?;
        return Ok(false);
    }
    let after = Field { sweep: Some(sweep), ..field.clone() };
    match deps.store.replace_field(tenant, field, after).await? {
        FieldWrite::Done => Ok(!sweep.done),
        // Somebody renamed it, or another worker is at it: look again.
        FieldWrite::Changed | FieldWrite::SlugTaken => Ok(true),
    }
}

/// Writes the contacts that the change makes others, and counts those that are settled so.
async fn settle<S: ImportStore, O, Q, B>(
    deps: &Deps<S, O, Q, B>,
    tenant: &Tenant,
    change: &Change,
    mut contacts: Vec<Contact>,
) -> Result<u64, ImportError> {
    let mut changed = 0;
    for _ in 0..ROUNDS {
        let writes: Vec<Write> = contacts.into_iter().filter_map(|before| write(change, before)).collect();
        if writes.is_empty() {
            return Ok(changed);
        }
        contacts = Vec::new();
        for written in deps.store.write(tenant, writes, deps.clock.now()).await? {
            match written? {
                Written::Done(_) => changed += 1,
                // Most often by this very write, sent twice because its answer was lost.
                Written::Lost { standing: Standing::Held(now), .. }
                    if write(change, (*now).clone()).is_none() =>
                {
                    changed += 1;
                }
                Written::Lost { standing: Standing::Held(now), .. } => contacts.push(*now),
                // Gone, and its values with it.
                Written::Lost { standing: Standing::Free | Standing::Suppressed(_), .. } => {}
            }
        }
    }
    // Whoever writes them all the time settles them too.
    Ok(changed)
}

/// Tells whether a contact's value of the former type does not say one of the new type.
fn stays(change: &Change, contact: &Contact, old: FieldId) -> bool {
    let after = change.update(&contact.profile);
    after.is_ok_and(|after| after.attributes.contains_key(&old))
}

fn write(change: &Change, before: Contact) -> Option<Write> {
    let profile = change.update(&before.profile).ok().filter(|after| *after != before.profile)?;
    let update = ProfileUpdate { before, profile, replaces: None, consent: None, origin: None };
    Some(Write::Update(Box::new(update)))
}
