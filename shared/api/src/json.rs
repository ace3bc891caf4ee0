use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use crate::{ApiError, Problem};

/// Is the limit of most bodies.
pub const BODY_BYTES: usize = 1024 * 1024;
/// Is the limit of a batch's body.
pub const BATCH_BYTES: usize = 4 * BODY_BYTES;
const MAX_DEPTH: usize = 64;

/// Reads a body that is one JSON object of at most `LIMIT` bytes.
#[derive(Debug)]
pub struct JsonObject<const LIMIT: usize = BODY_BYTES> {
    /// The body as it came, for the idempotency key.
    pub bytes: Bytes,
    /// Its members.
    pub members: Map<String, Value>,
}

impl<S: Send + Sync, const LIMIT: usize> FromRequest<S> for JsonObject<LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let body = Limited::new(request.into_body(), LIMIT).collect().await;
        let bytes = body.map_err(|error| unread(&*error, LIMIT))?.to_bytes();
        let members = object(&bytes)?;
        Ok(Self { bytes, members })
    }
}

fn unread(error: &(dyn std::error::Error + 'static), limit: usize) -> ApiError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            let detail = format!("the body is over {limit} bytes; send less at once");
            return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail).into();
        }
        cause = error.source();
    }
    ApiError::malformed("the body broke off")
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if depth(bytes) > MAX_DEPTH {
        return Err(ApiError::malformed(format!("the JSON is nested deeper than {MAX_DEPTH} levels")));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(ApiError::malformed("the body is to be a JSON object")),
        Err(error) => Err(ApiError::malformed(format!(
            "the body is no valid JSON: line {}, column {}",
            error.line(),
            error.column()
        ))),
    }
}

/// Counts how deep a document nests, before anything is built of it.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> (u16, String) {
        let problem = object(bytes).expect_err("no object").to_problem();
        (problem.status, problem.detail)
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(depth(br#"{"a":[1,{"b":"]]]\"[[["}]}"#), 3);
        assert_eq!(problem("[".repeat(65).as_bytes()).0, 400);
        assert!(problem("[".repeat(100_000).as_bytes()).1.contains("64 levels"));
    }

    #[test]
    fn malformed_json_is_told_with_its_place() {
        assert_eq!(problem(b"{\n \"a\" 1}"), (400, "the body is no valid JSON: line 2, column 6".into()));
        assert_eq!(problem(b"").0, 400);
        assert_eq!(problem(b"\xff").0, 400);
        assert_eq!(problem(b"[]"), (400, "the body is to be a JSON object".into()));
    }
}
