//! A plain HTTP client of the API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

/// Nothing in the suite takes this long unless it never ends.
const PATIENCE: Duration = Duration::from_secs(120);

/// Is an answer that was read whole.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
    /// The body, or null where it is no JSON.
    pub json: Value,
}

/// Calls the API under one key.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    pub url: String,
    pub key: String,
}

impl Client {
    pub fn new(url: &str, key: &str) -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { agent, url: url.to_owned(), key: key.to_owned() }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], Vec::new())
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[], Vec::new())
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, &[], body.to_string().into_bytes())
    }

    pub fn put(&self, path: &str, body: &Value) -> Reply {
        self.send("PUT", path, &[], body.to_string().into_bytes())
    }

    pub fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send("PATCH", path, &[], body.to_string().into_bytes())
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !self.key.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.key));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.run(request.body(body).expect("a request"))
    }

    /// Sends a file to where an import wants it.
    pub fn upload(&self, upload: &Value, content: &[u8]) -> u16 {
        let url = upload["url"].as_str().expect("an upload URL");
        let mut request = Request::builder().method("PUT").uri(url);
        for (name, value) in upload["headers"].as_object().expect("headers") {
            request = request.header(name, value.as_str().expect("text"));
        }
        self.run(request.body(content.to_vec()).expect("a request")).status
    }

    /// Fetches what a link leads to.
    pub fn fetch(&self, url: &str) -> String {
        let reply = self.run(Request::builder().uri(url).body(Vec::new()).expect("a request"));
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.text
    }

    /// Imports a file through a presigned upload and waits until the import ends.
    pub fn import(&self, options: &Value, content: &[u8]) -> Value {
        let created = self.post("/api/v1/imports", options);
        assert_eq!(created.status, 201, "{}", created.json);
        assert_eq!(self.upload(&created.json["upload"], content), 200);
        self.ended_import(created.json["id"].as_str().expect("an id"))
    }

    /// Waits until an import ends.
    pub fn ended_import(&self, id: &str) -> Value {
        until(|| {
            let import = self.get(&format!("/api/v1/imports/{id}")).json;
            matches!(import["status"].as_str(), Some("done" | "failed")).then_some(import)
        })
    }

    /// Walks all contacts, without what differs from run to run.
    pub fn all_contacts(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut path = "/api/v1/contacts?limit=200".to_owned();
        loop {
            let page = self.get(&path);
            assert_eq!(page.status, 200, "{}", page.json);
            for item in page.json["items"].as_array().expect("items") {
                let mut item = item.clone();
                for name in ["id", "created_at", "updated_at"] {
                    item[name] = json!(null);
                }
                all.push(item);
            }
            let Some(cursor) = page.json["next_cursor"].as_str() else { break };
            path = format!("/api/v1/contacts?limit=200&cursor={cursor}");
        }
        all.sort_by_key(|contact| contact["email"].to_string());
        all
    }

    fn run(&self, request: Request<Vec<u8>>) -> Reply {
        let response = self.agent.run(request).expect("an answer");
        let (parts, mut body) = response.into_parts();
        let text = body.with_config().limit(64 * 1024 * 1024).read_to_string().expect("a body");
        let json = serde_json::from_str(&text).unwrap_or_default();
        Reply { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }
}

/// Asks again until there is an answer.
pub fn until<T>(ask: impl Fn() -> Option<T>) -> T {
    until_within(PATIENCE, ask)
}

/// Asks again until there is an answer, for what takes its time.
pub fn until_within<T>(patience: Duration, ask: impl Fn() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < patience, "waited for {patience:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
