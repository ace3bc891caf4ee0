//! The functions as they are on AWS: routers behind one port, handlers behind the deliveries.

use std::sync::Arc;
use std::time::Duration;

use api::App;
use axum::Router;
use import::Deps;
use serde_json::json;
use store::{
    Clock, ClockMessage, DynamoStore, EventBridge, KeyHash, S3Objects, SqsBackground, SqsClock, SqsRanges,
    SqsRefolds,
};
use tokio::time::Instant;

use crate::StartError;
use crate::data_plane::{CHANGES, CLOCK, DataPlane, EVENTS, NOTIFICATIONS, RANGES, REFOLDS};
use crate::delivery::{Backoff, Handler, Route, Schedule, Source};

/// Lambda's longest; what takes longer is saved and goes on in another invocation.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Ten times what a deployment lets a key send in ten seconds: measurements are made here.
pub const REQUESTS_A_KEY: u32 = 10 * api::REQUESTS_A_WINDOW;

/// As in the template: many changes of one item of the index then cost one write.
const CHANGES_A_BATCH: usize = 1_000;

/// As Lambda does with asynchronous events, but sooner: a developer waits.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(60) };

/// As in the template.
const EVENTS_A_BATCH: usize = 100;

/// All share one store here, and with it what is remembered of fields: only what is under way counts.
const FIELDS_KNOWN_AFTER: Duration = Duration::from_secs(2);

/// Sooner than once a minute, as on AWS: a developer waits.
const TICK: Duration = Duration::from_secs(10);

/// Where changes of contacts that scoring could not handle are kept.
const APPEARANCES: &str = "scoring-contacts";

/// Puts all HTTP functions behind one router.
pub(crate) fn router(plane: &DataPlane, app: App<DynamoStore>, operator: Option<KeyHash>) -> Router {
    let imports = imports::Deps { app: app.clone(), objects: plane.objects() };
    let queue = SqsBackground { ranges: plane.ranges(), refolds: plane.refolds() };
    let settings = settings::Deps { app: app.clone(), queue, fields_known_after: FIELDS_KNOWN_AFTER };
    let events = events::Deps { app: app.clone(), bus: plane.bus() };
    contacts::routes(&app)
        .merge(events::routes(&events))
        .merge(imports::routes(&imports))
        .merge(lists::routes(&app))
        .merge(search::routes(&app))
        .merge(settings::routes(&settings, operator))
        .merge(plane.bus_log().routes(&app))
        .into_router(&app)
}

/// Joins the destinations of the mailbox with their handlers.
///
/// # Errors
/// When the stream of the contacts cannot be read.
pub(crate) fn deliveries(
    plane: &DataPlane,
    store: DynamoStore,
    clock: Clock,
) -> Result<Vec<Route>, StartError> {
    let indexer = indexer_handler(indexer::Deps::new(store.clone(), plane.bus(), clock));
    let scoring = scoring_handler(scoring::Deps::new(store.clone(), clock), plane.refolds());
    let clock_handler = clock_handler(clock::Deps::new(store.clone(), plane.clock(), plane.bus(), clock));
    let import = import_handler(Deps {
        store,
        objects: plane.objects(),
        queue: plane.ranges(),
        bus: plane.bus(),
        clock,
    });
    Ok(vec![
        Route {
            destination: NOTIFICATIONS.to_owned(),
            source: Source::Notification,
            handler: Arc::clone(&import),
            concurrency: 2,
            max_receives: 3,
            backoff: BACKOFF,
            timeout: TIMEOUT,
        },
        Route {
            destination: RANGES.to_owned(),
            source: Source::Queue { batch_size: 1 },
            handler: import,
            concurrency: 2,
            max_receives: 5,
            backoff: BACKOFF,
            timeout: TIMEOUT,
        },
        Route {
            destination: CHANGES.to_owned(),
            source: Source::Stream { log: plane.contact_changes()?, batch_size: CHANGES_A_BATCH },
            handler: indexer,
            concurrency: 1,
            max_receives: 10,
            backoff: BACKOFF,
            timeout: TIMEOUT,
        },
        Route {
            destination: EVENTS.to_owned(),
            source: Source::Queue { batch_size: EVENTS_A_BATCH },
            handler: Arc::clone(&scoring),
            concurrency: 4,
            max_receives: 8,
            backoff: BACKOFF,
            timeout: TIMEOUT,
        },
        Route {
            destination: REFOLDS.to_owned(),
            source: Source::Queue { batch_size: 1 },
            handler: Arc::clone(&scoring),
            concurrency: 2,
            max_receives: 8,
            backoff: BACKOFF,
            timeout: TIMEOUT,
        },
        Route {
            destination: CLOCK.to_owned(),
            source: Source::Queue { batch_size: 1 },
            handler: clock_handler,
            concurrency: 2,
            max_receives: 3,
            backoff: BACKOFF,
            timeout: TIMEOUT,
        },
        Route {
            destination: APPEARANCES.to_owned(),
            source: Source::Stream { log: plane.contact_changes()?, batch_size: CHANGES_A_BATCH },
            handler: scoring,
            concurrency: 1,
            max_receives: 8,
            backoff: BACKOFF,
            timeout: TIMEOUT,
        },
    ])
}

/// Says what comes by itself as time passes.
pub(crate) fn schedule() -> Schedule {
    Schedule { destination: CLOCK.to_owned(), body: json!(ClockMessage::Tick).to_string(), every: TICK }
}

fn clock_handler(deps: clock::Deps<DynamoStore, SqsClock, EventBridge>) -> Handler {
    let deps = Arc::new(deps);
    Arc::new(move |event| {
        let deps = Arc::clone(&deps);
        Box::pin(async move { clock::handle(&deps, &event).await.map_err(Into::into) })
    })
}

fn indexer_handler(deps: indexer::Deps<DynamoStore, EventBridge>) -> Handler {
    let deps = Arc::new(deps);
    Arc::new(move |event| {
        let deps = Arc::clone(&deps);
        Box::pin(async move { indexer::handle(&deps, &event).await.map_err(Into::into) })
    })
}

fn scoring_handler(deps: scoring::Deps<DynamoStore>, queue: SqsRefolds) -> Handler {
    let deps = Arc::new((deps, queue));
    Arc::new(move |event| {
        let deps = Arc::clone(&deps);
        Box::pin(async move { scoring::handle_all(&deps.0, &deps.1, &event).await.map_err(Into::into) })
    })
}

fn import_handler(deps: Deps<DynamoStore, S3Objects, SqsRanges, EventBridge>) -> Handler {
    let deps = Arc::new(deps);
    Arc::new(move |event| {
        let deps = Arc::clone(&deps);
        Box::pin(async move {
            let deadline = Instant::now() + TIMEOUT;
            let event = serde_json::from_str(event.get())?;
            import::handle(&deps, event, Some(deadline)).await.map_err(Into::into)
        })
    })
}
