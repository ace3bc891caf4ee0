use serde::{Deserialize, Serialize};

use crate::{Change, Email, Invalid, Profile, Standing};

/// Says which contacts a write may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Only contacts that are not there yet.
    CreateOnly,
    /// Only contacts that are there.
    UpdateOnly,
    /// Both.
    #[default]
    Upsert,
}

/// Says what a change does at an address, given what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A new contact with this profile.
    Create(Box<Profile>),
    /// The contact there gets this profile.
    Update(Box<Profile>),
    /// The contact there already says all of it.
    Unchanged,
    /// The mode leaves contacts that exist alone.
    Exists,
    /// The mode makes no new contacts.
    Missing,
}

impl Decision {
    /// Decides one change.
    ///
    /// # Errors
    /// What [`Change::create`], [`Change::update`] and [`Suppression::admit`](crate::Suppression::admit)
    /// refuse.
    pub fn of(
        standing: &Standing,
        mode: Mode,
        email: &Email,
        email_typed: &str,
        change: &Change,
    ) -> Result<Self, Invalid> {
        let suppressed = match standing {
            Standing::Held(_) if mode == Mode::CreateOnly => return Ok(Self::Exists),
            Standing::Held(contact) => {
                let profile = change.update(&contact.profile)?;
                return Ok(if profile == contact.profile {
                    Self::Unchanged
                } else {
                    Self::Update(Box::new(profile))
                });
            }
            Standing::Suppressed(_) | Standing::Free if mode == Mode::UpdateOnly => return Ok(Self::Missing),
            Standing::Suppressed(suppression) => {
                suppression.admit(change.consent.is_some())?;
                Some(suppression)
            }
            Standing::Free => None,
        };
        Ok(Self::Create(Box::new(change.create(email.clone(), email_typed, suppressed)?)))
    }
}
