//! What a write comes to before any call: the contact, its item and the condition it needs.

use chrono::{DateTime, Utc};
use model::{Consent, Contact, ContactId, Email, Ordinal, Suppression, Tenant};

use super::Item;
use super::addresses::Addresses;
use super::births::{Birth, Births};
use super::contact_item::to_item;
use super::schema::refused;
use crate::StoreError;
use crate::contacts::{NewContact, ProfileUpdate};

/// Is one write with everything it needs.
pub(super) enum Plan {
    /// One put.
    Put { contact: Contact, item: Item, condition: PutCondition, consent: Option<Consent>, is_birth: bool },
    /// One transaction to another address.
    Move {
        contact: Contact,
        item: Item,
        before: Box<Contact>,
        replaces: Option<Suppression>,
        consent: Option<Consent>,
    },
    /// Nothing: the contact is more than the table takes.
    Refused(StoreError),
}

/// Says what must stand at the address.
pub(super) enum PutCondition {
    /// No contact, and no suppression but this one.
    Free(Option<Suppression>),
    /// The contact that was read.
    AsRead(Box<Contact>),
}

/// Parts the plans that create where nothing is, and so may go together, from those that do not.
pub(super) fn part(plans: Vec<Plan>) -> (Births, Vec<(usize, Plan)>) {
    let mut together = Births::default();
    let mut alone = Vec::new();
    let single = plans.len() == 1;
    for (place, plan) in plans.into_iter().enumerate() {
        match plan {
            Plan::Put {
                contact,
                item,
                condition: PutCondition::Free(None),
                consent: None,
                is_birth: true,
            } if !single && together.takes(&contact, &item) => {
                together.add(Birth { place, contact, item });
            }
            plan => alone.push((place, plan)),
        }
    }
    (together, alone)
}

impl Plan {
    /// Plans a contact that is not there yet.
    pub(super) fn birth(
        tenant: &Tenant,
        addresses: &Addresses,
        new: NewContact,
        ordinal: Ordinal,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let mut random = [0; 12];
        getrandom::fill(&mut random).map_err(refused)?;
        let contact = Contact {
            id: ContactId::new(ordinal, &tenant.secret.id_key(), random),
            ordinal,
            profile: new.profile,
            score: 0,
            fold: model::scoring::Fold::default(),
            created_at: now,
            updated_at: now,
            version: 1,
            origin: new.origin,
        };
        Ok(match to_item(addresses, &contact) {
            Ok(item) => Self::Put {
                contact,
                item,
                condition: PutCondition::Free(new.replaces),
                consent: new.consent,
                is_birth: true,
            },
            Err(error) => Self::Refused(error),
        })
    }

    /// Plans a change of one that was read.
    pub(super) fn update(addresses: &Addresses, update: ProfileUpdate, now: DateTime<Utc>) -> Self {
        let ProfileUpdate { before, profile, replaces, consent, origin } = update;
        let contact = Contact {
            profile,
            updated_at: now,
            version: before.version + 1,
            origin: origin.or_else(|| before.origin.clone()),
            ..before.clone()
        };
        match to_item(addresses, &contact) {
            Err(error) => Self::Refused(error),
            Ok(item) if contact.profile.email == before.profile.email => Self::Put {
                contact,
                item,
                condition: PutCondition::AsRead(Box::new(before)),
                consent,
                is_birth: false,
            },
            Ok(item) => Self::Move { contact, item, before: Box::new(before), replaces, consent },
        }
    }

    /// Gives the slot that must point at the contact before it is there.
    pub(super) fn slot(&self) -> Option<(Ordinal, Email)> {
        match self {
            Self::Put { contact, is_birth: true, .. } => {
                Some((contact.ordinal, contact.profile.email.clone()))
            }
            Self::Put { .. } | Self::Move { .. } | Self::Refused(_) => None,
        }
    }
}
