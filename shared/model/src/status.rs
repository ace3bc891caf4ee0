//! The life cycle of a contact's status.
//!
//! `unsubscribed` and `bounced` are *suppressed*: nothing leads from there to `active` or
//! `pending` without a consent record given with that very write. All other moves are free.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Consent, Invalid};

/// Says whether a contact may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// May be written to.
    Active,
    /// Asked to confirm (double opt-in) and did not yet.
    Pending,
    /// Asked not to be written to.
    Unsubscribed,
    /// The address does not take mail.
    Bounced,
}

impl Status {
    /// Lists every status.
    pub const ALL: [Self; 4] = [Self::Active, Self::Pending, Self::Unsubscribed, Self::Bounced];

    /// Tells whether only a consent record leads away from this status.
    pub fn is_suppressed(self) -> bool {
        match self {
            Self::Unsubscribed | Self::Bounced => true,
            Self::Active | Self::Pending => false,
        }
    }

    /// Moves to `wanted`.
    ///
    /// # Errors
    /// `consent_required` when a suppressed status would end without a record.
    pub fn moved_to(self, wanted: Self, consent: Option<&Consent>) -> Result<Self, Invalid> {
        if self.is_suppressed() && !wanted.is_suppressed() && consent.is_none() {
            return Err(Invalid::new(
                "consent_required",
                format!(
                    "the contact is {self}; give a `consent` record with this write to make it {wanted} again"
                ),
            ));
        }
        Ok(wanted)
    }

    /// Gives the status of a contact that comes to life at an address which `suppressed` may hold.
    ///
    /// A deleted unsubscribe stays one when the address comes back, whatever status is asked for.
    pub fn at_birth(wanted: Self, suppressed: Option<Self>, consent: Option<&Consent>) -> Self {
        match suppressed {
            Some(held) => held.moved_to(wanted, consent).unwrap_or(held),
            None => wanted,
        }
    }

    /// Names the status as the API does.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Unsubscribed => "unsubscribed",
            Self::Bounced => "bounced",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            Invalid::new(
                "invalid_status",
                format!("`{text}` is no status; use `active`, `pending`, `unsubscribed` or `bounced`"),
            )
        })
    }
}
