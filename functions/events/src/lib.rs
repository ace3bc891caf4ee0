//! Engagement events over HTTP: checked one by one, and put on the bus.

mod accept;
#[cfg(test)]
mod tests;

use api::{App, EdgeStore, HandlerState, Routes, Scope};
use axum::http::Method;
use store::EventBus;
use utoipa::OpenApi;

/// Is what this function needs of the bus.
pub trait Bus: EventBus + Clone + 'static {}

impl<B: EventBus + Clone + 'static> Bus for B {}

/// Holds what the handlers of this function work with.
#[derive(Debug, Clone)]
pub struct Deps<S, B> {
    /// Who calls.
    pub app: App<S>,
    /// Where events go.
    pub bus: B,
}

impl<S: EdgeStore, B: Bus> HandlerState for Deps<S, B> {
    type Store = S;

    fn app(&self) -> &App<S> {
        &self.app
    }
}

/// Gives the routes of this function.
pub fn routes<S: EdgeStore, B: Bus>(deps: &Deps<S, B>) -> Routes {
    Routes::new().on(deps, Method::POST, "/events", Scope::EventsWrite, accept::accept::<S, B>)
}

/// Describes the routes of this function.
pub fn openapi() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(accept::accept))]
    struct Document;
    Document::openapi()
}
