//! Static lists and segments over HTTP: one file an endpoint.

mod contacts;
mod count;
mod create;
mod delete;
mod input;
mod jobs;
mod list;
mod members;
mod patch;
mod preview;
mod read;
mod rules;
mod view;

use api::rule::RuleStore;
use api::{App, Routes, Scope};
use axum::http::Method;
use store::{FrozenStore, ListJobStore, TimerStore};
use utoipa::OpenApi;

/// Is what it takes of a store to keep lists.
pub trait ListsStore: RuleStore + FrozenStore + ListJobStore + TimerStore {}

impl<S: RuleStore + FrozenStore + ListJobStore + TimerStore> ListsStore for S {}

/// Gives the routes of this function.
pub fn routes<S: ListsStore>(app: &App<S>) -> Routes {
    use Scope::{ContactsRead, ListsRead, ListsWrite};
    Routes::new()
        .on(app, Method::GET, "/lists", ListsRead, list::list::<S>)
        .on(app, Method::POST, "/lists", ListsWrite, create::create::<S>)
        .on(app, Method::POST, "/lists/preview", ContactsRead, preview::preview::<S>)
        .on(app, Method::GET, "/lists/{id}", ListsRead, read::read::<S>)
        .on(app, Method::PATCH, "/lists/{id}", ListsWrite, patch::patch::<S>)
        .on(app, Method::DELETE, "/lists/{id}", ListsWrite, delete::delete::<S>)
        .on(app, Method::GET, "/lists/{id}/count", ListsRead, count::count::<S>)
        .on(app, Method::GET, "/lists/{id}/contacts", ContactsRead, contacts::contacts::<S>)
        .on(app, Method::POST, "/lists/{id}/contacts", ListsWrite, members::change::<S>)
        .on(app, Method::GET, "/lists/{id}/jobs", ListsRead, jobs::jobs::<S>)
        .on(app, Method::GET, "/lists/{id}/jobs/{job}", ListsRead, jobs::job::<S>)
}

/// Describes the routes of this function.
pub fn openapi() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(
        list::list,
        create::create,
        preview::preview,
        read::read,
        patch::patch,
        delete::delete,
        count::count,
        contacts::contacts,
        members::change,
        jobs::jobs,
        jobs::job,
    ))]
    struct Document;
    Document::openapi()
}

#[cfg(test)]
mod tests;
