//! The domain of Leads: contacts and what may happen to them. No AWS, no I/O, no clock of its own.

mod change;
mod consent;
mod contact;
mod email;
mod field;
mod fields;
mod generations;
mod id;
pub mod import;
mod invalid;
mod list;
mod phone;
pub mod rule;
pub mod scoring;
mod settings;
mod status;
mod suppression;
mod tag;
mod tenant;
mod transition;
mod upsert;
mod value;

pub use change::{Change, Edit, Membership, Overwrite, TagChange};
pub use consent::Consent;
pub use contact::{Contact, Engagement, MAX_NAME_CHARS, Origin, Profile, Tier, short_text};
pub use email::{Email, MAX_EMAIL_CHARS};
pub use field::{FieldId, FieldSlug};
pub use fields::{Demands, Field, Fields, MAX_FIELDS, Sweep};
pub use generations::{Building, Generations, Retiring};
pub use id::{ContactId, IdKey, Ordinal};
pub use invalid::Invalid;
pub use list::{
    List, ListBook, ListId, ListName, ListNumber, MAX_LIST_NAME_CHARS, MAX_LISTS, MAX_LISTS_A_CONTACT,
};
pub use phone::Phone;
pub use settings::{Settings, UnknownAddresses, ZoneName};
pub use status::Status;
pub use suppression::{Grounds, Standing, Suppression, SuppressionReason};
pub use tag::{MAX_TAGS, Tag};
pub use tenant::{AddressKey, Tenant, TenantId, TenantSecret, TenantSlug};
pub use transition::{Cause, Direction, Look, MAX_WATCHED_SEGMENTS, Transition, Watch};
pub use upsert::{Decision, Mode};
pub use value::{AttributeType, AttributeValue, Number};
