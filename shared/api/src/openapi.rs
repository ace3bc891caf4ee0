use axum::http::Method;
use utoipa::openapi::{Info, OpenApi, OpenApiBuilder};

/// Is the document that the product serves: generated from the code of all functions, and kept
/// here so that one function can serve it without being linked to the others. A test compares.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// Puts the documents of functions together into the product's.
pub fn openapi_of(parts: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let mut info = Info::new("Leads", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Contacts, imports and tenants. Every answer that is no success is a problem document (RFC 9457)."
            .to_owned(),
    );
    let mut all = OpenApiBuilder::new().info(info).build();
    for part in parts {
        all.merge(part);
    }
    all
}

/// Lists what a document describes as method and path.
#[must_use]
pub fn described(document: &OpenApi) -> Vec<(Method, String)> {
    let mut described = Vec::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in [
            (Method::GET, &item.get),
            (Method::PUT, &item.put),
            (Method::POST, &item.post),
            (Method::PATCH, &item.patch),
            (Method::DELETE, &item.delete),
        ] {
            if operation.is_some() {
                described.push((method, path.clone()));
            }
        }
    }
    described
}
