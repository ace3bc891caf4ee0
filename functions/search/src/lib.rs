//! Lists of contacts, and rules over HTTP: whom they mean, what they say, and why a contact is meant by one; and the audit
//! and rebuilding of the index that answers them.

mod audit;
mod count;
mod explain;
mod list;
mod parse;
mod rebuild;
mod search;

use api::rule::RuleStore;
use api::{App, Routes, Scope};
use axum::http::Method;
use utoipa::OpenApi;

/// Gives the routes of this function.
pub fn routes<S: RuleStore>(app: &App<S>) -> Routes {
    use Scope::{ContactsRead, IndexWrite};
    Routes::new()
        .on(app, Method::GET, "/contacts", ContactsRead, list::list::<S>)
        .on(app, Method::GET, "/contacts/search", ContactsRead, search::search_by_query::<S>)
        .on(app, Method::POST, "/contacts/search", ContactsRead, search::search::<S>)
        .on(app, Method::GET, "/contacts/count", ContactsRead, count::count_by_query::<S>)
        .on(app, Method::POST, "/contacts/count", ContactsRead, count::count::<S>)
        .on(app, Method::POST, "/rules/parse", ContactsRead, parse::parse::<S>)
        .on(app, Method::POST, "/rules/explain", ContactsRead, explain::explain::<S>)
        .on(app, Method::POST, "/index/audit", IndexWrite, audit::audit::<S>)
        .on(app, Method::POST, "/index/rebuild", IndexWrite, rebuild::rebuild::<S>)
}

/// Describes the routes of this function.
pub fn openapi() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(
        list::list,
        search::search_by_query,
        search::search,
        count::count_by_query,
        count::count,
        parse::parse,
        explain::explain,
        audit::audit,
        rebuild::rebuild,
    ))]
    struct Document;
    Document::openapi()
}

#[cfg(test)]
mod tests;
