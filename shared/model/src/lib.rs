//! The domain of Leads: contacts and what may happen to them. No AWS, no I/O, no clock of its own.

mod change;
mod consent;
mod contact;
mod email;
mod field;
mod id;
pub mod import;
mod invalid;
mod phone;
pub mod rule;
mod status;
mod tag;
mod tenant;
mod upsert;
mod value;

pub use change::{Change, Edit, Overwrite, TagChange};
pub use consent::Consent;
pub use contact::{
    Contact, Engagement, MAX_NAME_CHARS, Origin, Profile, Standing, Suppression, Tier, short_text,
};
pub use email::{Email, MAX_EMAIL_CHARS};
pub use field::{Field, FieldId, FieldSlug, Fields};
pub use id::{ContactId, IdKey, Ordinal};
pub use invalid::Invalid;
pub use phone::Phone;
pub use status::Status;
pub use tag::{MAX_TAGS, Tag};
pub use tenant::{Tenant, TenantId, TenantSecret, TenantSlug};
pub use upsert::{Decision, Mode};
pub use value::{AttributeType, AttributeValue, Number};
