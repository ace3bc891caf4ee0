//! Request bodies as the OpenAPI document shows them; [`crate::input`] reads them.

use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What a contact is to be. Null clears; what is absent stays.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct ContactInput {
    /// Required, except in a patch; unique in the tenant.
    #[schema(example = "jane@example.com")]
    email: String,
    /// At most 100 characters.
    #[schema(example = "Jane")]
    first_name: Option<String>,
    /// At most 100 characters.
    last_name: Option<String>,
    company: Option<String>,
    job_title: Option<String>,
    /// Kept as given, and as E.164 where it is a valid international number.
    phone: Option<String>,
    /// `active`, `pending`, `unsubscribed` or `bounced`. Only consent leads out of the last two.
    #[schema(example = "active")]
    status: Option<String>,
    /// Custom fields. A new name defines a field of the type of its value.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Map<String, Value>>,
    /// Labels: a create or a patch sets them, an upsert adds them.
    tags: Option<Vec<String>>,
    /// The person's own agreement, given with this write.
    consent: Option<ConsentInput>,
}

/// A person's agreement to be written to.
#[derive(ToSchema)]
#[schema(as = Consent)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct ConsentInput {
    /// Where it was given.
    #[schema(example = "newsletter-form")]
    source: String,
    /// How it was given.
    #[schema(example = "double_opt_in")]
    method: String,
    /// When, RFC 3339.
    #[schema(example = "2026-11-20T08:00:00Z")]
    captured_at: String,
    /// The words agreed to.
    text: String,
}
