//! The imports of a tenant over HTTP: start one, follow it. `functions/import` does the work.

mod create;
mod follow;
mod options;
mod view;

use api::{App, EdgeStore, HandlerState, Routes, Scope};
use axum::http::Method;
use store::{JobStore, ListStore, ObjectStore};
use utoipa::OpenApi;

/// Is what this function needs of a store.
pub trait Store: EdgeStore + JobStore + ListStore {}

impl<S: EdgeStore + JobStore + ListStore> Store for S {}

/// Is what this function needs of the bucket.
pub trait Objects: ObjectStore + Clone + 'static {}

impl<O: ObjectStore + Clone + 'static> Objects for O {}

/// Holds what the handlers of this function work with.
#[derive(Debug, Clone)]
pub struct Deps<S, O> {
    /// The store, and who calls.
    pub app: App<S>,
    /// The bucket.
    pub objects: O,
}

impl<S: Store, O: Objects> HandlerState for Deps<S, O> {
    type Store = S;

    fn app(&self) -> &App<S> {
        &self.app
    }
}

/// Gives the routes of this function.
pub fn routes<S: Store, O: Objects>(deps: &Deps<S, O>) -> Routes {
    use Scope::{ImportsRead, ImportsWrite};
    Routes::new()
        .on(deps, Method::POST, "/imports", ImportsWrite, create::create::<S, O>)
        .on(deps, Method::GET, "/imports", ImportsRead, follow::list::<S, O>)
        .on(deps, Method::GET, "/imports/{id}", ImportsRead, follow::read::<S, O>)
        .planned(deps, Method::POST, "/imports/{id}/commit")
        .planned(deps, Method::POST, "/imports/{id}/cancel")
        .planned(deps, Method::POST, "/imports/{id}/undo")
}

/// Describes the routes of this function.
pub fn openapi() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(create::create, follow::list, follow::read))]
    struct Document;
    Document::openapi()
}

#[cfg(test)]
mod tests;
