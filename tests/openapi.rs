//! The document that the product serves is the one that its code describes.

use std::path::Path;
use std::time::Duration;

use api::{App, described, openapi_of};
use store::Clock;
use store::testing::{MemoryBus, MemoryObjects, MemoryQueue, MemoryStore};

use crate::product::Product;

fn generated() -> utoipa::openapi::OpenApi {
    openapi_of([
        contacts::openapi(),
        events::openapi(),
        imports::openapi(),
        lists::openapi(),
        search::openapi(),
        settings::openapi(),
    ])
}

/// Run with `UPDATE_OPENAPI=1` after a change of the API, and look at what changed.
#[test]
fn the_kept_document_is_the_generated_one() {
    let generated = generated().to_pretty_json().expect("JSON") + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("shared").join("api/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &generated).expect("write the document");
    }
    let kept = std::fs::read_to_string(&path).expect("read the document");
    assert!(kept == generated, "shared/api/openapi.json is out of date: run this with UPDATE_OPENAPI=1");
}

#[test]
fn the_document_and_the_routers_have_the_same_paths() {
    let app = App::new(MemoryStore::default(), Clock::default());
    let deps = imports::Deps { app: app.clone(), objects: MemoryObjects::default() };
    let settings = settings::Deps {
        app: app.clone(),
        queue: MemoryQueue::default(),
        fields_known_after: Duration::ZERO,
    };
    let events = events::Deps { app: app.clone(), bus: MemoryBus::default() };
    let routes = contacts::routes(&app)
        .merge(events::routes(&events))
        .merge(imports::routes(&deps))
        .merge(lists::routes(&app))
        .merge(search::routes(&app))
        .merge(settings::routes(&settings, None));
    let sorted = |routes: &[(_, String)]| {
        let mut routes: Vec<String> =
            routes.iter().map(|(method, path)| format!("{path} {method}")).collect();
        routes.sort();
        routes
    };
    assert_eq!(sorted(routes.listed()), sorted(&described(&generated())));
}

#[test]
fn the_product_serves_the_document_without_a_key() {
    let product = Product::get();
    let anyone = crate::client::Client::new(&product.url, "");
    let served = anyone.get("/api/v1/openapi.json");
    assert_eq!(served.status, 200);
    assert_eq!(served.json["openapi"], "3.1.0");
    assert_eq!(served.text, api::OPENAPI);
    assert_eq!(anyone.get("/health").status, 200);
}

#[test]
fn what_the_document_does_not_describe_is_answered_with_a_whole_problem() {
    let client = Product::get().client();
    for (method, path, status, code) in [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("PUT", "/api/v1/imports", 405, "method_not_allowed"),
        ("GET", "/api/v1/rules/parse", 405, "method_not_allowed"),
        ("POST", "/api/v1/contacts/merge", 422, "not_available"),
    ] {
        let reply = client.send(method, path, &[], Vec::new());
        assert_eq!(
            (reply.status, &reply.json["code"]),
            (status, &code.into()),
            "{method} {path}: {}",
            reply.text
        );
    }
}
