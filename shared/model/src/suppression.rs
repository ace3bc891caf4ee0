use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Contact, Invalid, Status};

/// Says why an address must not be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionReason {
    /// The person asked for it.
    Unsubscribed,
    /// The address does not take mail.
    HardBounce,
    /// The person called a mail spam.
    Complaint,
    /// The person had everything removed; nothing but a keyed hash of the address is kept.
    Erased,
    /// Somebody of the tenant asked for it.
    Manual,
}

impl SuppressionReason {
    /// Lists every reason.
    pub const ALL: [Self; 5] =
        [Self::Unsubscribed, Self::HardBounce, Self::Complaint, Self::Erased, Self::Manual];

    /// Gives the status of a contact for which the reason holds.
    pub fn status(self) -> Status {
        match self {
            Self::HardBounce => Status::Bounced,
            Self::Unsubscribed | Self::Complaint | Self::Erased | Self::Manual => Status::Unsubscribed,
        }
    }

    /// Names the reason as the API does.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsubscribed => "unsubscribed",
            Self::HardBounce => "hard_bounce",
            Self::Complaint => "complaint",
            Self::Erased => "erased",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for SuppressionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SuppressionReason {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or_else(|| {
            Invalid::new(
                "invalid_reason",
                "a reason is one of `unsubscribed`, `hard_bounce`, `complaint`, `erased` and `manual`",
            )
        })
    }
}

/// Says why a contact has a suppressed status, where more is known than the status itself tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    /// Why.
    pub reason: SuppressionReason,
    /// Where that was learnt, such as `crm export`.
    pub source: Option<String>,
}

/// Remembers an address that no contact holds and that must not be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Why.
    pub reason: SuppressionReason,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Where that was learnt, such as `crm export`.
    pub source: Option<String>,
}

impl Suppression {
    /// Remembers a contact that goes away suppressed; none for others.
    pub fn left_by(contact: &Contact, now: DateTime<Utc>) -> Option<Self> {
        let reason = match contact.profile.status {
            Status::Unsubscribed => SuppressionReason::Unsubscribed,
            Status::Bounced => SuppressionReason::HardBounce,
            Status::Active | Status::Pending => return None,
        };
        let Grounds { reason, source } =
            contact.profile.grounds.clone().unwrap_or(Grounds { reason, source: None });
        Some(Self { reason, since: now, source })
    }

    /// Remembers that a person had everything erased; not even who told.
    pub fn erased(since: DateTime<Utc>) -> Self {
        Self { reason: SuppressionReason::Erased, since, source: None }
    }

    /// Gives what a contact keeps of it that comes to life, or moves, to the address.
    pub fn grounds(&self) -> Grounds {
        Grounds { reason: self.reason, source: self.source.clone() }
    }

    /// Gives the status in which a contact starts when the address comes back without consent.
    pub fn status(&self) -> Status {
        self.reason.status()
    }

    /// Refuses a contact at the address of an erased person, unless that person agreed anew.
    ///
    /// # Errors
    /// `suppressed_erased`.
    pub fn admit(&self, has_consent: bool) -> Result<(), Invalid> {
        if self.reason == SuppressionReason::Erased && !has_consent {
            return Err(Invalid::new(
                "suppressed_erased",
                "the person with this address had everything erased; only their own `consent` record brings \
                 a contact back",
            ));
        }
        Ok(())
    }
}

/// Says what stands at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was ever there, or nothing that matters.
    Free,
    /// No contact, but a memory that none must be written to.
    Suppressed(Suppression),
    /// A contact.
    Held(Box<Contact>),
}
