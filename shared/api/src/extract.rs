use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::ApiError;

/// Reads the one parameter of a path, or a tuple of several, percent-decoded.
#[derive(Debug)]
pub struct PathText<T = String>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathText<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = Path::<T>::from_request_parts(parts, state).await;
        text.map(|Path(text)| Self(text)).map_err(|error| ApiError::malformed(error.body_text()))
    }
}

/// Reads the query string; a type that denies unknown fields refuses them by name.
#[derive(Debug)]
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = Query::<T>::from_request_parts(parts, state).await;
        params.map(|Query(params)| Self(params)).map_err(|error| ApiError::malformed(error.body_text()))
    }
}
