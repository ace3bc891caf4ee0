use axum::extract::FromRequestParts;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use model::Contact;

use crate::ApiError;

/// Names one state of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// Names the state of a contact. It holds the id as well, because the next contact at an address
    /// counts its versions from 1 again.
    pub fn of(contact: &Contact) -> Self {
        Self(format!("\"{}-{}\"", contact.id.as_uuid().simple(), contact.version))
    }

    /// Names the state of what a tenant has one of, by how often it changed.
    pub fn of_revision(name: &'static str, revision: u64) -> Self {
        Self(format!("\"{name}-{revision}\""))
    }

    /// Gives the header's value.
    ///
    /// # Panics
    /// Never: it is ASCII letters and digits, a hyphen and quotes.
    pub fn to_header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("an ETag is ASCII")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<String>),
}

/// Holds the conditions of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preconditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

impl Preconditions {
    /// Checks the conditions of a write against what stands there.
    ///
    /// # Errors
    /// 412.
    pub fn check(&self, current: Option<&Contact>) -> Result<(), ApiError> {
        self.check_tag(current.map(ETag::of).as_ref())
    }

    /// Checks the conditions of a write against the state that is there.
    ///
    /// # Errors
    /// 412.
    pub fn check_tag(&self, current: Option<&ETag>) -> Result<(), ApiError> {
        let matched = self.if_match.as_ref().is_none_or(|tags| matches(tags, current));
        if matched && !self.has_tag(current) { Ok(()) } else { Err(ApiError::precondition_failed()) }
    }

    /// Tells whether a reader has the state that is there already.
    pub fn has_tag(&self, current: Option<&ETag>) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| matches(tags, current))
    }

    /// Tells whether a reader has this state already.
    pub fn is_unchanged(&self, current: Option<&Contact>) -> bool {
        self.has_tag(current.map(ETag::of).as_ref())
    }

    /// Tells whether the caller said which state it means; then a lost race is the caller's matter.
    pub fn names_a_state(&self) -> bool {
        self.if_match.is_some() || self.if_none_match.is_some()
    }
}

fn matches(tags: &Tags, current: Option<&ETag>) -> bool {
    match (tags, current) {
        (_, None) => false,
        (Tags::Any, Some(_)) => true,
        (Tags::These(tags), Some(current)) => tags.contains(&current.0),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Preconditions {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self {
            if_match: tags(&parts.headers, IF_MATCH)?,
            if_none_match: tags(&parts.headers, IF_NONE_MATCH)?,
        })
    }
}

fn tags(headers: &HeaderMap, name: HeaderName) -> Result<Option<Tags>, ApiError> {
    let mut found: Option<Vec<String>> = None;
    for value in headers.get_all(&name) {
        let malformed =
            || ApiError::malformed(format!("`{name}` is to hold an ETag as it was given, or `*`"));
        let text = value.to_str().map_err(|_| malformed())?.trim();
        if text == "*" {
            return Ok(Some(Tags::Any));
        }
        for tag in text.split(',').map(str::trim) {
            // A weak tag never matches strongly; ours are strong.
            let quoted = tag.strip_prefix("W/").unwrap_or(tag);
            if quoted.len() < 2 || !quoted.starts_with('"') || !quoted.ends_with('"') {
                return Err(malformed());
            }
            found.get_or_insert_default().push(tag.to_owned());
        }
    }
    Ok(found.map(Tags::These))
}
