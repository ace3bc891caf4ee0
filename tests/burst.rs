//! One tenant's burst beside another tenant's work.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use local::{Options, Process};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::client::{Client, Reply};

/// How many requests of the quiet tenant are timed at once.
const REQUESTS: usize = 200;
/// Other programs run beside a test and slow it, never the other way round: of so many rounds one
/// has to show it.
const ROUNDS: usize = 20;

#[test]
fn a_burst_of_one_tenant_is_refused_in_time_and_at_most_doubles_how_long_another_one_waits() {
    let admin_key = "the-operators-key-of-this-test".to_owned();
    // As a deployment has it, and not the tenfold of a developer's machine.
    let options = Options {
        admin_key: Some(admin_key.clone()),
        requests_a_key: api::REQUESTS_A_WINDOW,
        ..Options::default()
    };
    let runtime = Runtime::new().expect("a runtime");
    let process = runtime.block_on(Process::start(options)).expect("the product starts");
    let operator = Client::new(&process.url(), &admin_key);
    let client = |name: &str| {
        let made = operator.post("/api/v1/admin/tenants", &json!({ "name": name }));
        Client::new(&process.url(), made.json["api_key"].as_str().expect("a key"))
    };
    let (quiet, loud) = (client("quiet"), client("loud"));
    for client in [&quiet, &loud] {
        assert_eq!(client.post("/api/v1/contacts", &json!({"email": "jane@example.com"})).status, 201);
    }

    let (over, refused) = (AtomicBool::new(false), Mutex::new(None));
    let mut ratios = Vec::new();
    std::thread::scope(|scope| {
        let mut alone = percentile_99(&quiet);
        for _ in 0..2 {
            alone = alone.max(percentile_99(&quiet));
        }
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let reply = loud.get("/api/v1/contacts/jane@example.com");
                    if reply.status == 429 {
                        *refused.lock().expect("no panic") = Some(reply);
                    }
                }
            });
        }
        let is_refused = || refused.lock().expect("no panic").is_some();
        while ratios.len() < ROUNDS {
            ratios.push(percentile_99(&quiet).as_secs_f64() / alone.as_secs_f64());
            if is_refused() && ratios.iter().any(|ratio| *ratio <= 2.0) {
                break;
            }
        }
        while !is_refused() {
            std::thread::sleep(Duration::from_millis(20));
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(ratios.iter().any(|ratio| *ratio <= 2.0), "each time it took longer: {ratios:.1?}");
    let refused: Reply = refused.into_inner().expect("no panic").expect("an answer");
    assert_eq!(refused.json["code"], "rate_limited");
    for header in ["retry-after", "ratelimit", "ratelimit-policy"] {
        assert!(refused.headers.contains_key(header), "{header}");
    }
    runtime.block_on(process.stop());
}

/// Tells within which time 99 of 100 requests are answered, all of them with what was asked for.
fn percentile_99(client: &Client) -> Duration {
    let mut times: Vec<Duration> = (0..REQUESTS)
        .map(|_| {
            // A quarter of its quota at most, so that nothing of its own is in the way.
            std::thread::sleep(Duration::from_millis(8));
            let began = Instant::now();
            assert_eq!(client.get("/api/v1/contacts/jane@example.com").status, 200);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[REQUESTS * 99 / 100 - 1]
}
