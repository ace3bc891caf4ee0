//! What went over the bus lately, for the developer who watches.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use api::{presented_key, unauthorized};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{DynamoStore, KeyHash, TenantStore as _};

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

    /// Makes the route that tells them, to whoever has a key of the tenant.
    pub(crate) fn router(&self, store: DynamoStore) -> Router {
        Router::new().route(PATH, get(tell)).with_state((self.clone(), store))
    }
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn tell(
    State((log, store)): State<(BusLog, DynamoStore)>,
    Query(After { after }): Query<After>,
    headers: HeaderMap,
) -> Response {
    let Some(key) = presented_key(&headers) else { return unauthorized() };
    match store.api_key(KeyHash::of(key)).await {
        Ok(Some(key)) => {
            let (last, events) = log.after(after, &key.tenant.to_string());
            Json(json!({ "last": last, "events": events })).into_response()
        }
        Ok(None) => unauthorized(),
        Err(error) => api::ApiError::from(error).into_response(),
    }
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
