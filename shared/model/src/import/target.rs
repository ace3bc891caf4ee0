use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Engagement, FieldSlug, Invalid, Status};

/// Names what a column is read into.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// The address; every file has one such column.
    Email,
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// Company.
    Company,
    /// Job title.
    JobTitle,
    /// Phone.
    Phone,
    /// Status.
    Status,
    /// Whether, or since when, the person wants no mail; as exporters write it.
    Unsubscribed,
    /// Whether the person wants mail: a no is an opt-out, anything else says nothing.
    Subscribed,
    /// Whether, or since when, the address takes no mail.
    Bounced,
    /// Labels, separated by commas, semicolons, bars or `:::`.
    Tags,
    /// A moment of engagement, RFC 3339.
    Engagement(Engagement),
    /// A custom attribute.
    Attribute(FieldSlug),
}

impl Target {
    pub(super) const STANDARD: [Self; 15] = [
        Self::Email,
        Self::FirstName,
        Self::LastName,
        Self::Company,
        Self::JobTitle,
        Self::Phone,
        Self::Status,
        Self::Unsubscribed,
        Self::Subscribed,
        Self::Bounced,
        Self::Tags,
        Self::Engagement(Engagement::Opened),
        Self::Engagement(Engagement::Clicked),
        Self::Engagement(Engagement::Replied),
        Self::Engagement(Engagement::Visited),
    ];

    /// Gives the status that a column of opt-outs sets. A file may have several such columns, and
    /// each counts: one that is overlooked is an unsubscribe lost.
    pub(super) fn opt_out(&self) -> Option<Status> {
        match self {
            Self::Unsubscribed | Self::Subscribed => Some(Status::Unsubscribed),
            Self::Bounced => Some(Status::Bounced),
            _ => None,
        }
    }

    /// Reads the name of a contact field, or of a custom attribute with or without `attributes.`.
    ///
    /// # Errors
    /// `read_only_field` for what only the product sets, `not_available` for what imports cannot
    /// fill yet, `invalid_field` for a name without a letter or digit.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        if let Some(standard) = Self::STANDARD.into_iter().find(|target| target.to_string() == name) {
            return Ok(standard);
        }
        match name {
            "id" | "version" | "created_at" | "updated_at" | "tier" | "opens" | "clicks" | "replies"
            | "visits" => {
                return Err(Invalid::new("read_only_field", format!("`{name}` is set by the product")));
            }
            "score" | "lists" => {
                return Err(Invalid::new(
                    "not_available",
                    format!("a column cannot be imported into `{name}` yet"),
                ));
            }
            _ => {}
        }
        FieldSlug::from_name(name.strip_prefix("attributes.").unwrap_or(name))
            .map(Self::Attribute)
            .ok_or_else(|| Invalid::new("invalid_field", "a field name needs a letter or a digit"))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email => "email",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Company => "company",
            Self::JobTitle => "job_title",
            Self::Phone => "phone",
            Self::Status => "status",
            Self::Unsubscribed => "unsubscribed",
            Self::Subscribed => "subscribed",
            Self::Bounced => "bounced",
            Self::Tags => "tags",
            Self::Engagement(engagement) => engagement.field_name(),
            Self::Attribute(slug) => return write!(f, "attributes.{slug}"),
        })
    }
}

impl TryFrom<String> for Target {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        Self::parse(&name)
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}
