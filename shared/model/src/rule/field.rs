use std::fmt;

use crate::{Engagement, FieldSlug};

/// Names a field of a contact in a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldRef {
    /// One that every tenant has.
    Standard(StandardField),
    /// A custom one, by its slug.
    Attribute(FieldSlug),
}

/// What is in front of a custom field that has the name of another thing.
const PREFIX: &str = "attributes.";

/// Words of the query string that are no fields.
pub(crate) const RESERVED: [&str; 9] =
    ["and", "or", "not", "has", "missing", "list", "segment", "tag", "attributes"];

impl FieldRef {
    /// Reads a name: a standard field, else a custom one; a name without a letter or digit is none.
    ///
    /// # Examples
    /// ```
    /// use model::rule::{FieldRef, StandardField};
    /// assert_eq!(FieldRef::parse("Score"), Some(FieldRef::Standard(StandardField::Score)));
    /// assert_eq!(FieldRef::parse("attributes.score").unwrap().to_string(), "attributes.score");
    /// assert_eq!(FieldRef::parse("VIP Status").unwrap().to_string(), "vip_status");
    /// ```
    pub fn parse(name: &str) -> Option<Self> {
        if let Some((prefix, rest)) = name.split_at_checked(PREFIX.len())
            && prefix.eq_ignore_ascii_case(PREFIX)
        {
            return FieldSlug::from_name(rest).map(Self::Attribute);
        }
        let slug = FieldSlug::from_name(name)?;
        let standard = StandardField::ALL.into_iter().find(|field| field.as_str() == slug.as_str());
        Some(standard.map_or(Self::Attribute(slug), Self::Standard))
    }

    /// Gives the name in a tree: custom fields always with their prefix.
    pub fn to_json(&self) -> String {
        match self {
            Self::Standard(field) => field.as_str().to_owned(),
            Self::Attribute(slug) => format!("{PREFIX}{slug}"),
        }
    }
}

impl fmt::Display for FieldRef {
    /// Prints the name in a query string: custom fields with their prefix only where they need it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(field) => f.write_str(field.as_str()),
            Self::Attribute(slug) => {
                let name = slug.as_str();
                let taken = RESERVED.contains(&name)
                    || StandardField::ALL.into_iter().any(|field| field.as_str() == name);
                if taken { write!(f, "{PREFIX}{name}") } else { f.write_str(name) }
            }
        }
    }
}

/// Types what a rule compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text, compared in its normal form.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A calendar day.
    Day,
    /// An instant.
    Instant,
    /// A set of tags.
    Tags,
    /// A set of static lists.
    Lists,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Number => "numbers",
            Self::Boolean => "`true` or `false`",
            Self::Day => "dates",
            Self::Instant => "instants",
            Self::Tags => "tags",
            Self::Lists => "lists",
        })
    }
}

/// Is a field that every tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StandardField {
    /// `id`
    Id,
    /// `email`
    Email,
    /// `first_name`
    FirstName,
    /// `last_name`
    LastName,
    /// `company`
    Company,
    /// `job_title`
    JobTitle,
    /// `phone`: as E.164 where it is a valid international number, else as given
    Phone,
    /// `status`
    Status,
    /// `score`
    Score,
    /// `tier`
    Tier,
    /// `tags`
    Tags,
    /// `lists`
    Lists,
    /// `last_opened_at` and its like
    LastEngaged(Engagement),
    /// `opens` and its like
    Engagements(Engagement),
    /// `created_at`
    CreatedAt,
    /// `updated_at`
    UpdatedAt,
}

impl StandardField {
    /// Lists every standard field.
    pub const ALL: [Self; 22] = [
        Self::Id,
        Self::Email,
        Self::FirstName,
        Self::LastName,
        Self::Company,
        Self::JobTitle,
        Self::Phone,
        Self::Status,
        Self::Score,
        Self::Tier,
        Self::Tags,
        Self::Lists,
        Self::LastEngaged(Engagement::Opened),
        Self::LastEngaged(Engagement::Clicked),
        Self::LastEngaged(Engagement::Replied),
        Self::LastEngaged(Engagement::Visited),
        Self::Engagements(Engagement::Opened),
        Self::Engagements(Engagement::Clicked),
        Self::Engagements(Engagement::Replied),
        Self::Engagements(Engagement::Visited),
        Self::CreatedAt,
        Self::UpdatedAt,
    ];

    /// Gives the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Email => "email",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Company => "company",
            Self::JobTitle => "job_title",
            Self::Phone => "phone",
            Self::Status => "status",
            Self::Score => "score",
            Self::Tier => "tier",
            Self::Tags => "tags",
            Self::Lists => "lists",
            Self::LastEngaged(engagement) => engagement.field_name(),
            Self::Engagements(engagement) => engagement.counter_name(),
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
        }
    }

    /// Gives the type.
    pub fn kind(self) -> Kind {
        match self {
            Self::Id
            | Self::Email
            | Self::FirstName
            | Self::LastName
            | Self::Company
            | Self::JobTitle
            | Self::Phone
            | Self::Status
            | Self::Tier => Kind::Text,
            Self::Score | Self::Engagements(_) => Kind::Number,
            Self::Tags => Kind::Tags,
            Self::Lists => Kind::Lists,
            Self::LastEngaged(_) | Self::CreatedAt | Self::UpdatedAt => Kind::Instant,
        }
    }
}
