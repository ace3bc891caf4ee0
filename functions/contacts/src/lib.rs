//! The contacts of a tenant over HTTP: one file an endpoint.

mod activity;
mod apply;
mod attributes;
mod batch;
mod consents;
mod create;
mod delete;
mod input;
mod patch;
mod read;
mod schema;
mod score;
mod suppress;
mod suppressions;
mod upsert;

use api::{App, EdgeStore, Routes, Scope};
use axum::http::Method;
use store::{ContactStore, FieldStore, LedgerStore, ListStore, RulesStore};
use utoipa::OpenApi;

/// Is what this function needs of a store.
pub trait Store: EdgeStore + ContactStore + FieldStore + LedgerStore + ListStore + RulesStore {}

impl<S: EdgeStore + ContactStore + FieldStore + LedgerStore + ListStore + RulesStore> Store for S {}

/// Gives the routes of this function.
pub fn routes<S: Store>(app: &App<S>) -> Routes {
    use Scope::{ContactsRead, ContactsWrite, SuppressionsRead, SuppressionsWrite};
    Routes::new()
        .on(app, Method::POST, "/contacts", ContactsWrite, create::create::<S>)
        .on(app, Method::PUT, "/contacts", ContactsWrite, upsert::upsert::<S>)
        .on(app, Method::POST, "/contacts/batch", ContactsWrite, batch::batch::<S>)
        .on(app, Method::GET, "/contacts/{id}", ContactsRead, read::read::<S>)
        .on(app, Method::PATCH, "/contacts/{id}", ContactsWrite, patch::patch::<S>)
        .on(app, Method::DELETE, "/contacts/{id}", ContactsWrite, delete::delete::<S>)
        .on(app, Method::GET, "/contacts/{id}/consents", ContactsRead, consents::list::<S>)
        .on(app, Method::GET, "/contacts/{id}/activity", ContactsRead, activity::list::<S>)
        .on(app, Method::GET, "/contacts/{id}/score", ContactsRead, score::explain::<S>)
        .on(app, Method::POST, "/suppressions", SuppressionsWrite, suppress::suppress::<S>)
        .on(app, Method::GET, "/suppressions", SuppressionsRead, suppressions::list::<S>)
        .on(app, Method::GET, "/suppressions/{id}", SuppressionsRead, suppress::read::<S>)
        .planned(app, Method::POST, "/contacts/merge")
        .planned(app, Method::GET, "/contacts/{id}/export")
}

/// Describes the routes of this function.
pub fn openapi() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(
        create::create,
        upsert::upsert,
        batch::batch,
        read::read,
        patch::patch,
        delete::delete,
        consents::list,
        activity::list,
        score::explain,
        suppress::suppress,
        suppressions::list,
        suppress::read,
    ))]
    struct Document;
    Document::openapi()
}

#[cfg(test)]
mod tests;
