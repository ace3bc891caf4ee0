//! Events of an address that has no contact: never lost, unless the person wanted everything
//! erased.

use model::scoring::status_after;
use model::{
    Change, Contact, Email, Standing, Status, Suppression, SuppressionReason, Tenant, UnknownAddresses,
};
use store::{NewContact, Write, Written};

use crate::record::{Facts, standing};
use crate::{Deps, ScoringError, ScoringStore};

/// Says where events of an unknown address went.
pub(crate) enum Found {
    /// There is a contact for them now.
    Contact {
        /// The contact.
        contact: Box<Contact>,
        /// Whether it was made for them.
        is_new: bool,
    },
    /// They wait for one.
    Parked,
    /// The person had everything erased: nothing is kept of them.
    Erased,
}

/// Makes a contact for events, or keeps them for one, as the tenant decided.
pub(crate) async fn unknown<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    email: &Email,
    typed: &str,
    found: Standing,
    facts: &Facts,
) -> Result<Found, ScoringError> {
    let suppressed = match found {
        Standing::Held(contact) => return Ok(Found::Contact { contact, is_new: false }),
        Standing::Suppressed(suppression) if suppression.reason == SuppressionReason::Erased => {
            return Ok(Found::Erased);
        }
        Standing::Suppressed(suppression) => Some(suppression),
        Standing::Free => None,
    };
    match tenant.settings.unknown_addresses {
        UnknownAddresses::Create => create(deps, tenant, email, typed, suppressed).await,
        UnknownAddresses::Park => park(deps, tenant, email, suppressed, facts).await,
    }
}

async fn create<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    email: &Email,
    typed: &str,
    suppressed: Option<Suppression>,
) -> Result<Found, ScoringError> {
    // Whoever is written to may have agreed to it elsewhere; whether, nobody here knows.
    let status = Status::at_birth(Status::Pending, suppressed.as_ref().map(Suppression::status), None);
    let change = Change { status_if_new: Some(status), ..Change::default() };
    let Ok(profile) = change.create(email.clone(), typed, suppressed.as_ref()) else {
        return Err(ScoringError::Contended);
    };
    let new = NewContact { replaces: suppressed, ..NewContact::of(profile) };
    let write = Write::Create(Box::new(new));
    let mut written = deps.store.write(tenant, vec![write], deps.clock.now()).await?;
    match written.pop().transpose()? {
        Some(Written::Done(contact)) => Ok(Found::Contact { contact, is_new: true }),
        Some(Written::Lost { standing: Standing::Held(contact), .. }) => {
            Ok(Found::Contact { contact, is_new: false })
        }
        // The address was suppressed or freed at this very moment.
        _ => Err(ScoringError::Contended),
    }
}

async fn park<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    email: &Email,
    suppressed: Option<Suppression>,
    facts: &Facts,
) -> Result<Found, ScoringError> {
    for fact in facts.values() {
        deps.store.park(tenant, email, fact).await?;
    }
    // Who does not want mail is not written to either, once there is a contact.
    let reason = match status_after(Status::Active, facts.values()) {
        Status::Unsubscribed => Some(SuppressionReason::Unsubscribed),
        Status::Bounced => Some(SuppressionReason::HardBounce),
        Status::Active | Status::Pending => None,
    };
    if let Some(reason) = reason.filter(|_| suppressed.is_none()) {
        let suppression = Suppression { reason, since: deps.clock.now(), source: None };
        // What is in the way was there first: a contact, which is looked at below, or a suppression.
        deps.store.suppress(tenant, email, &suppression, None).await?;
    }
    // A contact that came to life before the facts were parked has had nobody to tell of them, and
    // an erasure had nothing to forget.
    match standing(deps, tenant, email).await? {
        Standing::Held(contact) => {
            unpark(deps, tenant, email, facts).await?;
            Ok(Found::Contact { contact, is_new: false })
        }
        Standing::Suppressed(suppression) if suppression.reason == SuppressionReason::Erased => {
            unpark(deps, tenant, email, facts).await?;
            Ok(Found::Erased)
        }
        Standing::Free | Standing::Suppressed(_) => Ok(Found::Parked),
    }
}

async fn unpark<S: ScoringStore>(
    deps: &Deps<S>,
    tenant: &Tenant,
    email: &Email,
    facts: &Facts,
) -> Result<(), ScoringError> {
    for position in facts.keys() {
        deps.store.unpark(tenant, email, position).await?;
    }
    Ok(())
}
