mod fields;
mod keys;
mod previews;
mod scoring;
mod settings;
mod tenants;
mod usage;

use api::App;
use api::testing::{Client, Reply};
use axum::http::Method;
use model::Tenant;
use serde_json::{Value, json};
use store::testing::{MemoryQueue, MemoryStore, stored_tenant};
use store::{Clock, TenantStore as _};

use crate::Deps;

/// Is one tenant with everything around it.
struct World {
    store: MemoryStore,
    queue: MemoryQueue,
    tenant: Tenant,
    client: Client,
}

impl World {
    async fn new() -> Self {
        Self::on(MemoryStore::default()).await
    }

    async fn on(store: MemoryStore) -> Self {
        let tenant = stored_tenant(&store).await;
        let (router, queue) = router(&store);
        let client = Client::new(router, &store, &tenant, &["*"]).await;
        Self { store, queue, tenant, client }
    }

    async fn get(&self, path: &str) -> Reply {
        self.client.call(Method::GET, &format!("/api/v1{path}")).await
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Reply {
        self.client.json(method, &format!("/api/v1{path}"), body).await
    }
}

fn router(store: &MemoryStore) -> (axum::Router, MemoryQueue) {
    let app = App::new(store.clone(), Clock::default());
    let deps = Deps {
        app: app.clone(),
        queue: MemoryQueue::default(),
        fields_known_after: std::time::Duration::ZERO,
    };
    (crate::routes(&deps, None).into_router(&app), deps.queue)
}

/// Calls with a key that was just made.
async fn with_key(store: &MemoryStore, key: &str, method: Method, path: &str) -> Reply {
    let (router, _) = router(store);
    let client = Client::new(router, store, &stored_tenant(store).await, &[]).await;
    let bearer = format!("Bearer {key}");
    let body = if method == Method::GET { String::new() } else { json!({}).to_string() };
    client.send(method, &format!("/api/v1{path}"), &[("authorization", &bearer)], body.into()).await
}
