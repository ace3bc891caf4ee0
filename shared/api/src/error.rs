use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::Invalid;
use store::StoreError;
use uuid::Uuid;

use crate::{FieldError, Problem};

/// Is everything a handler may answer instead of a success.
#[derive(Debug)]
pub enum ApiError {
    /// The caller can do something about it.
    Problem(Box<Problem>),
    /// The store failed.
    Store(StoreError),
}

impl ApiError {
    /// Answers 422 naming each fault.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Problem::of_errors(errors).into()
    }

    /// Answers 422 for one place.
    pub fn invalid_at(pointer: impl Into<String>, invalid: Invalid) -> Self {
        Self::invalid(vec![FieldError::new(pointer, invalid)])
    }

    /// Answers 400: the request cannot be read at all.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "malformed_request", detail).into()
    }

    /// Answers 404.
    pub fn not_found(what: &str) -> Self {
        Problem::new(StatusCode::NOT_FOUND, format!("{what}_not_found"), format!("there is no such {what}"))
            .into()
    }

    /// Answers 409, naming what stands in the way.
    pub fn conflict(code: &'static str, detail: impl Into<String>, id: Option<Uuid>) -> Self {
        Problem { id, ..Problem::new(StatusCode::CONFLICT, code, detail) }.into()
    }

    /// Answers 412.
    pub fn precondition_failed() -> Self {
        let detail = "the resource is not as the request's conditions say; read it again";
        Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail).into()
    }

    /// Answers 422 for what the contract describes and this version does not do yet.
    pub fn not_available(what: &str) -> Self {
        let detail = format!("{what} is not available yet");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_available", detail).into()
    }

    /// Answers 503: too many changes of one thing at once.
    pub fn contended() -> Self {
        let detail = "the contact keeps changing; try again";
        Problem {
            retry_after_s: Some(1),
            ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, "contended", detail)
        }
        .into()
    }

    /// Gives the problem that the caller is told. What went wrong inside stays inside.
    pub fn to_problem(&self) -> Problem {
        match self {
            Self::Problem(problem) => (**problem).clone(),
            Self::Store(StoreError::TooLarge { size_bytes, limit_bytes }) => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "contact_too_large",
                format!("the contact would take {size_bytes} bytes; at most {limit_bytes} are kept"),
            ),
            Self::Store(StoreError::Unavailable(_)) => Problem {
                retry_after_s: Some(2),
                ..Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "the store is busy; send the request again",
                )
            },
            Self::Store(StoreError::ObjectGone | StoreError::Malformed(_) | StoreError::Refused(_)) => {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "internal error")
            }
        }
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.to_problem().into_response();
        if let Self::Store(error) = self
            && response.status().is_server_error()
        {
            // Logged at the edge, together with the request's id.
            response.extensions_mut().insert(Cause(std::sync::Arc::new(error)));
        }
        response
    }
}

/// Carries what went wrong inside to the one place that logs it.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) std::sync::Arc<StoreError>);
