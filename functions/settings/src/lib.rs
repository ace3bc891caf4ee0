//! Tenants, what they decide, allow and use, and what the product says of itself.

mod about;
mod field_view;
mod fields;
mod input;
mod keys;
mod preview;
mod scoring;
mod scoring_view;
mod settings;
mod tenants;
mod usage;

use std::time::Duration;

use api::{App, EdgeStore, HandlerState, Routes, Scope};
use axum::http::Method;
use store::{
    ContactStore, FieldStore, KeyHash, LedgerStore, RefoldQueue, RulesStore, SweepQueue, TimerStore,
    UsageStore,
};
use utoipa::OpenApi;

/// Is what this function needs of a store.
pub trait Store:
    EdgeStore + FieldStore + ContactStore + UsageStore + RulesStore + LedgerStore + TimerStore
{
}

impl<S: EdgeStore + FieldStore + ContactStore + UsageStore + RulesStore + LedgerStore + TimerStore> Store
    for S
{
}

/// Is what this function needs of queues.
pub trait Sweeps: SweepQueue + RefoldQueue + Clone + 'static {}

impl<Q: SweepQueue + RefoldQueue + Clone + 'static> Sweeps for Q {}

/// Holds what the handlers of this function work with.
#[derive(Debug, Clone)]
pub struct Deps<S, Q> {
    /// The store, and who calls.
    pub app: App<S>,
    /// Where work on all contacts goes.
    pub queue: Q,
    /// How long it takes until nobody writes under fields as they were before a change.
    pub fields_known_after: Duration,
}

impl<S: Store, Q: Sweeps> HandlerState for Deps<S, Q> {
    type Store = S;

    fn app(&self) -> &App<S> {
        &self.app
    }
}

/// Gives the routes of this function. Without an operator's key nobody makes tenants.
pub fn routes<S: Store, Q: Sweeps>(deps: &Deps<S, Q>, operator: Option<KeyHash>) -> Routes {
    use Scope::{KeysRead, KeysWrite, SettingsRead, SettingsWrite};
    let operated = tenants::Operated { app: deps.app.clone(), operator };
    Routes::new()
        .on_public((), Method::GET, "/health", about::health)
        .on_public((), Method::GET, "/api/v1/openapi.json", about::openapi)
        .on_public(operated, Method::POST, "/api/v1/admin/tenants", tenants::create::<S>)
        .on(deps, Method::GET, "/settings", SettingsRead, settings::read::<S, Q>)
        .on(deps, Method::PUT, "/settings", SettingsWrite, settings::replace::<S, Q>)
        .on(deps, Method::GET, "/scoring", SettingsRead, scoring::read::<S, Q>)
        .on(deps, Method::PUT, "/scoring", SettingsWrite, scoring::replace::<S, Q>)
        .on(deps, Method::POST, "/scoring/preview", SettingsRead, preview::preview::<S, Q>)
        .on(deps, Method::GET, "/api-keys", KeysRead, keys::list::<S, Q>)
        .on(deps, Method::POST, "/api-keys", KeysWrite, keys::create::<S, Q>)
        .on(deps, Method::DELETE, "/api-keys/{id}", KeysWrite, keys::revoke::<S, Q>)
        .on(deps, Method::GET, "/fields", SettingsRead, fields::list::<S, Q>)
        .on(deps, Method::POST, "/fields", SettingsWrite, fields::create::<S, Q>)
        .on(deps, Method::GET, "/fields/{id}", SettingsRead, fields::read::<S, Q>)
        .on(deps, Method::PATCH, "/fields/{id}", SettingsWrite, fields::patch::<S, Q>)
        .on(deps, Method::DELETE, "/fields/{id}", SettingsWrite, fields::drop::<S, Q>)
        .on(deps, Method::GET, "/usage", SettingsRead, usage::read::<S, Q>)
}

/// Describes the routes of this function.
pub fn openapi() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(
        about::health,
        about::openapi,
        tenants::create,
        settings::read,
        settings::replace,
        scoring::read,
        scoring::replace,
        preview::preview,
        keys::list,
        keys::create,
        keys::revoke,
        fields::list,
        fields::create,
        fields::read,
        fields::patch,
        fields::drop,
        usage::read,
    ))]
    struct Document;
    Document::openapi()
}

#[cfg(test)]
mod tests;
