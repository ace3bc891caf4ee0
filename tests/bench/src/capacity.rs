//! What requests cost on AWS, whatever the machine: the capacity units that the tables count.

use ::api::App;
use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use local::{Options, Process};
use serde_json::Value;
use store::{Clock, Consumed, Metered as _};
use tower::ServiceExt as _;

use crate::api::Kind;
use crate::{BenchError, Report};

/// Requests of a kind; ordinals are leased by the eight.
const EACH: u32 = 16;

/// Measures each kind of request on a product of its own, in memory and in this process.
///
/// # Errors
/// When the product fails.
pub fn measure(report: &mut Report) -> Result<(), BenchError> {
    let runtime = tokio::runtime::Runtime::new().map_err(BenchError::system("cannot start a runtime"))?;
    runtime.block_on(async {
        let process = Process::start(Options::default())
            .await
            .map_err(|error| BenchError::NotReady(error.to_string()))?;
        let measured = measure_on(&process, report).await;
        process.stop().await;
        measured
    })
}

async fn measure_on(process: &Process, report: &mut Report) -> Result<(), BenchError> {
    let store = process.data_plane().store().metered();
    let app = App::new(store.clone(), Clock::default());
    let router = contacts::routes(&app).merge(search::routes(&app)).into_router(&app);
    let mut ids = Vec::new();
    // Who calls and which fields there are is cached for a minute: that is paid for here.
    call_as(&router, process.api_key(), Kind::Create.request("first", "")).await?;
    for kind in Kind::ALL {
        let before = store.consumed();
        for n in 0..EACH {
            let id = ids.get(n as usize).map_or("", String::as_str);
            let answer = call_as(&router, process.api_key(), kind.request(&format!("cost-{n}"), id)).await?;
            if kind == Kind::Create {
                ids.push(answer["id"].as_str().unwrap_or_default().to_owned());
            }
        }
        let Consumed { write_units, read_units } = store.consumed();
        let each = |after: f64, before: f64| (after - before) / f64::from(EACH);
        let write_units = each(write_units, before.write_units);
        let read_units = each(read_units, before.read_units);
        report.add(format!("{}: write units", kind.name()), write_units, "units");
        report.add(format!("{}: read units", kind.name()), read_units, "units");
    }
    Ok(())
}

pub(crate) async fn call_as(
    router: &Router,
    key: &str,
    (method, path, body): (&str, String, Option<Value>),
) -> Result<Value, BenchError> {
    let request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", ::api::PREFIX))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Body::from(body.map(|body| body.to_string()).unwrap_or_default()))
        .map_err(ureq::Error::from)?;
    let answer = match router.clone().oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let (parts, body) = answer.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if parts.status.is_success() {
        return Ok(serde_json::from_slice(&bytes).unwrap_or_default());
    }
    Err(BenchError::Answer {
        method: method.to_owned(),
        path,
        status: parts.status.as_u16(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    })
}
