use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::scoring::Fold;
use crate::{
    AttributeValue, ContactId, Email, FieldId, Grounds, Invalid, ListNumber, Ordinal, Phone, Status, Tag,
};

/// Longest first or last name, in characters.
pub const MAX_NAME_CHARS: usize = 100;

/// Names the moments of engagement that are kept on a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engagement {
    /// `last_opened_at`
    Opened,
    /// `last_clicked_at`
    Clicked,
    /// `last_replied_at`
    Replied,
    /// `last_visited_at`
    Visited,
}

impl Engagement {
    /// Lists every moment.
    pub const ALL: [Self; 4] = [Self::Opened, Self::Clicked, Self::Replied, Self::Visited];

    /// Names the contact's field.
    pub fn field_name(self) -> &'static str {
        match self {
            Self::Opened => "last_opened_at",
            Self::Clicked => "last_clicked_at",
            Self::Replied => "last_replied_at",
            Self::Visited => "last_visited_at",
        }
    }

    /// Names the contact's field that tells how often.
    pub fn counter_name(self) -> &'static str {
        match self {
            Self::Opened => "opens",
            Self::Clicked => "clicks",
            Self::Replied => "replies",
            Self::Visited => "visits",
        }
    }
}

/// Holds what people and files say about a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// What makes the contact unique in its tenant.
    pub email: Email,
    /// The address as it was first typed, for display.
    pub email_typed: String,
    /// At most 100 characters.
    pub first_name: Option<String>,
    /// At most 100 characters.
    pub last_name: Option<String>,
    /// The company's name.
    pub company: Option<String>,
    /// The person's position there.
    pub job_title: Option<String>,
    /// As typed and, where it parses, as E.164.
    pub phone: Option<Phone>,
    /// Whether the contact may be written to.
    pub status: Status,
    /// Why not, where more is known than the status tells.
    pub grounds: Option<Grounds>,
    /// Custom attributes by the id of their field.
    pub attributes: BTreeMap<FieldId, AttributeValue>,
    /// Labels.
    pub tags: BTreeSet<Tag>,
    /// The static lists that it is on; numbers of lists that were deleted may stay.
    pub lists: BTreeSet<ListNumber>,
    /// When the contact last opened, clicked, replied, visited.
    pub engagement: BTreeMap<Engagement, DateTime<Utc>>,
}

impl Profile {
    /// Starts a profile that holds nothing but its address.
    pub fn new(email: Email, email_typed: impl Into<String>, status: Status) -> Self {
        Self {
            email,
            email_typed: email_typed.into(),
            first_name: None,
            last_name: None,
            company: None,
            job_title: None,
            phone: None,
            status,
            grounds: None,
            attributes: BTreeMap::new(),
            tags: BTreeSet::new(),
            lists: BTreeSet::new(),
            engagement: BTreeMap::new(),
        }
    }
}

/// Tells which import row or request last wrote a contact, so that the same one, delivered
/// again, knows its own work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A row of an import.
    Row {
        /// The import.
        job: Uuid,
        /// The record after the header, from 1.
        row: u64,
        /// Whether the row created the contact, or else updated it.
        created: bool,
        /// Whether the import indexes the contact itself, with many others at once.
        indexed_by_import: bool,
    },
    /// A request, by the hash of its idempotency scope and key.
    Request([u8; 16]),
}

/// Is one person of one tenant, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Never changes, also when the email does.
    pub id: ContactId,
    /// Where the directory finds it.
    pub ordinal: Ordinal,
    /// What people and files say.
    pub profile: Profile,
    /// Points from engagement.
    pub score: i64,
    /// Where the fold of its ledger stands, which makes the score.
    pub fold: Fold,
    /// When it came to life.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts its changes, from 1.
    pub version: u64,
    /// What wrote it last, where that must be known again.
    pub origin: Option<Origin>,
}

impl Contact {
    /// Tells how often the contact engaged, by the events in its ledger.
    pub fn engagements(&self, kind: Engagement) -> u32 {
        self.fold.counts.get(&kind).copied().unwrap_or_default()
    }
}

/// Ranks a contact by its score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Below 20 points, unless the tenant says otherwise.
    Cold,
    /// 20 to 49 points.
    Warm,
    /// 50 points and above.
    Hot,
}

impl Tier {
    /// Lists every tier, the lowest first.
    pub const ALL: [Self; 3] = [Self::Cold, Self::Warm, Self::Hot];

    /// Names the tier as the API does.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Hot => "hot",
        }
    }
}

/// Reads one of the short texts of a profile: trimmed, blank is none.
///
/// # Errors
/// `too_long` past `limit` characters, `control_character` where one would break a header line.
pub fn short_text(text: &str, limit: Option<usize>) -> Result<Option<String>, Invalid> {
    let text = text.trim();
    if let Some(limit) = limit {
        let chars = text.chars().count();
        if chars > limit {
            return Err(Invalid::too_long(limit, chars));
        }
    }
    if text.contains('\0') {
        return Err(Invalid::new("control_character", "the text holds a NUL; remove it"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}
