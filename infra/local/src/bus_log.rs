//! What went over the bus lately, for the developer who watches.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use api::{App, Caller, HandlerState, QueryParams, Routes, Scope};
use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use store::DynamoStore;

/// Where it is told; no part of the API.
pub(crate) const PATH: &str = "/local/events";

const KEPT: usize = 10_000;

/// Keeps the latest events of the bus.
#[derive(Debug, Clone, Default)]
pub struct BusLog(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// The number of the last event; the first one has 1.
    last: u64,
    events: VecDeque<(u64, Value)>,
}

impl BusLog {
    /// Keeps an event as rules hand it on.
    pub(crate) fn keep(&self, event: Value) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last += 1;
        let number = kept.last;
        kept.events.push_back((number, event));
        if kept.events.len() > KEPT {
            kept.events.pop_front();
        }
    }

    /// Gives the number of the last event, and those of a tenant after another number.
    fn after(&self, number: u64, tenant: &str) -> (u64, Vec<Value>) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = |event: &Value| event.pointer("/detail/tenant_id").is_some_and(|id| id == tenant);
        let news = kept.events.iter().filter(|(of, event)| *of > number && of_tenant(event));
        (kept.last, news.map(|(_, event)| event.clone()).collect())
    }

    /// Gives the route that tells a tenant its own. Events of engagement hold addresses, so whoever
    /// asks has to be one who may read contacts.
    pub(crate) fn routes(&self, app: &App<DynamoStore>) -> Routes {
        let watched = Watched { app: app.clone(), log: self.clone() };
        Routes::new().beside(&watched, Method::GET, PATH, Scope::ContactsRead, tell)
    }
}

#[derive(Clone)]
struct Watched {
    app: App<DynamoStore>,
    log: BusLog,
}

impl HandlerState for Watched {
    type Store = DynamoStore;

    fn app(&self) -> &App<DynamoStore> {
        &self.app
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn tell(
    State(watched): State<Watched>,
    caller: Caller,
    QueryParams(After { after }): QueryParams<After>,
) -> Json<Value> {
    let (last, events) = watched.log.after(after, &caller.tenant.id.to_string());
    Json(json!({ "last": last, "events": events }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_hears_its_own_events_each_once() {
        let log = BusLog::default();
        for tenant in ["a", "b", "a"] {
            log.keep(json!({"detail": {"tenant_id": tenant}}));
        }
        let (last, events) = log.after(0, "a");
        assert_eq!((last, events.len()), (3, 2));
        assert_eq!(log.after(last, "a").1.len(), 0);
        (0..KEPT).for_each(|_| log.keep(json!({"detail": {"tenant_id": "b"}})));
        assert_eq!(log.after(0, "a").1.len(), 0);
    }
}
