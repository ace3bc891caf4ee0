//! Tenants and what the product says of itself.

mod about;
mod tenants;

use api::{App, EdgeStore, Routes};
use axum::http::Method;
use store::KeyHash;
use utoipa::OpenApi;

/// Gives the routes of this function. Without an operator's key nobody makes tenants.
pub fn routes<S: EdgeStore>(app: &App<S>, operator: Option<KeyHash>) -> Routes {
    let operated = tenants::Operated { app: app.clone(), operator };
    Routes::new()
        .on_public((), Method::GET, "/health", about::health)
        .on_public((), Method::GET, "/api/v1/openapi.json", about::openapi)
        .on_public(operated, Method::POST, "/api/v1/admin/tenants", tenants::create::<S>)
}

/// Describes the routes of this function.
pub fn openapi() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(about::health, about::openapi, tenants::create))]
    struct Document;
    Document::openapi()
}

#[cfg(test)]
mod tests;
