use std::borrow::Cow;

use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::Invalid;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Says what is wrong with one place of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The place in the body, as a JSON pointer.
    #[schema(example = "/email")]
    pub pointer: String,
    /// The place in the text there, in characters from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, example = 12)]
    pub column: Option<usize>,
    /// The kind of fault; stable, for programs.
    #[schema(value_type = String, example = "invalid_email")]
    pub code: Cow<'static, str>,
    /// What to change, for people.
    pub detail: String,
}

impl FieldError {
    /// Places a fault of the domain.
    pub fn new(pointer: impl Into<String>, invalid: Invalid) -> Self {
        Self {
            pointer: pointer.into(),
            column: None,
            code: invalid.code.into(),
            detail: invalid.detail.into_owned(),
        }
    }
}

/// Is an answer that is no success, as RFC 9457 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem as a URI reference.
    #[serde(rename = "type")]
    #[schema(example = "/problems/contact_exists")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This very problem in words.
    pub detail: String,
    /// The kind of problem; stable, for programs.
    #[schema(value_type = String, example = "contact_exists")]
    pub code: Cow<'static, str>,
    /// The places of the request that are at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// What stands in the way, where that is one thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Finds the request in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Seconds after which another try makes sense.
    #[serde(skip)]
    pub retry_after_s: Option<u32>,
}

impl Problem {
    /// Describes a problem by its code and words.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        let code = code.into();
        Self {
            kind: format!("/problems/{code}"),
            title: title(&code),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            errors: Vec::new(),
            id: None,
            request_id: None,
            retry_after_s: None,
        }
    }

    /// Describes a request with faults: the code is the fault's own where all are alike.
    pub fn of_errors(errors: Vec<FieldError>) -> Self {
        let first =
            errors.first().map(|error| error.code.clone()).unwrap_or(Cow::Borrowed("invalid_request"));
        let alike = errors.iter().all(|error| error.code == first);
        let code = if alike { first } else { Cow::Borrowed("invalid_request") };
        let detail = match errors.as_slice() {
            [only] => format!("`{}`: {}", only.pointer, only.detail),
            all => format!("{} places of the request are at fault; see `errors`", all.len()),
        };
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
    }
}

/// Makes words of a code: `contact_exists` is `Contact exists`.
fn title(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

impl IntoResponse for Problem {
    /// Leaves the body to the outermost layer, which knows the request's id.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of a problem, with the id that finds it in the log.
pub(crate) fn finish(mut response: Response, request_id: &str) -> Response {
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.request_id = Some(request_id.to_owned());
        if let Some(seconds) = problem.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        *response.body_mut() = body.into();
        // An inner router may have measured the body that was not there yet.
        response.headers_mut().remove(CONTENT_LENGTH);
        let problem_json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, problem_json);
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}
