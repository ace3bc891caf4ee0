//! Rules over HTTP: what they say, and why a contact is meant by one.

mod explain;
mod parse;
mod request;
mod tenant;
mod warning;

use api::{App, EdgeStore, Routes, Scope};
use axum::http::Method;
use store::{ContactStore, FieldStore};
use utoipa::OpenApi;

/// Is what this function needs of a store.
pub trait Store: EdgeStore + ContactStore + FieldStore {}

impl<S: EdgeStore + ContactStore + FieldStore> Store for S {}

/// Gives the routes of this function.
pub fn routes<S: Store>(app: &App<S>) -> Routes {
    Routes::new().on(app, Method::POST, "/rules/parse", Scope::ContactsRead, parse::parse::<S>).on(
        app,
        Method::POST,
        "/rules/explain",
        Scope::ContactsRead,
        explain::explain::<S>,
    )
}

/// Describes the routes of this function.
pub fn openapi() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(parse::parse, explain::explain))]
    struct Document;
    Document::openapi()
}

#[cfg(test)]
mod tests;
