//! Requests over a connection that is kept.

use std::fs::File;

use serde_json::Value;
use ureq::http::{Request, Response};
use ureq::{Agent, AsSendBody, Body, SendBody};

use crate::BenchError;

const API: &str = "/api/v1";
const MAX_ANSWER_BYTES: u64 = 64 * 1024 * 1024;

/// Calls the API under one key.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    url: String,
    key: String,
}

impl Client {
    /// Connects to a base URL; a clone shares the connections, a new one has its own.
    pub fn new(url: &str, key: &str) -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { agent, url: url.to_owned(), key: key.to_owned() }
    }

    /// Sends a request and reads the answer, which must be a success.
    ///
    /// # Errors
    /// When it is none.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, BenchError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{API}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.key));
        let answer = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.run(request.body(body.to_string()).map_err(ureq::Error::from)?)?
            }
            None => self.run(request.body(()).map_err(ureq::Error::from)?)?,
        };
        let text = succeeded(method, path, answer)?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Sends a file to where an import wants it.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn upload(&self, upload: &Value, file: File, size_bytes: u64) -> Result<(), BenchError> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let url = text(&upload["url"]);
        let mut request = Request::builder().method("PUT").uri(url).header("content-length", size_bytes);
        for (name, value) in upload["headers"].as_object().into_iter().flatten() {
            request = request.header(name, text(value));
        }
        let body = SendBody::from_owned_reader(file);
        let answer = self.run(request.body(body).map_err(ureq::Error::from)?)?;
        succeeded("PUT", "the upload", answer).map(|_| ())
    }

    fn run(&self, request: Request<impl AsSendBody>) -> Result<Response<Body>, BenchError> {
        Ok(self.agent.run(request)?)
    }
}

fn succeeded(method: &str, path: &str, answer: Response<Body>) -> Result<String, BenchError> {
    let (parts, mut body) = answer.into_parts();
    let text = body.with_config().limit(MAX_ANSWER_BYTES).read_to_string()?;
    if parts.status.is_success() {
        return Ok(text);
    }
    Err(BenchError::Answer {
        method: method.to_owned(),
        path: path.to_owned(),
        status: parts.status.as_u16(),
        body: text.chars().take(500).collect(),
    })
}
