//! Calls of the API and what they may end with.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::{Agent, Body};

use super::problem::Problem;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The longest wait for an answer, the end of an upload included.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Says why a command did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("no API key: give --api-key or set LEADS_API_KEY")]
    NoKey,
    #[error("cannot read `{}`: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("cannot reach {url}: {source}; is it running there? (--url or LEADS_URL says where)")]
    Unreachable { url: String, source: Box<ureq::Error> },
    #[error("{problem}")]
    Refused { status: StatusCode, problem: Box<Problem> },
    #[error("{url} answered with status {}, which is not what Leads would say; check the URL", status.as_u16())]
    Unexpected { url: String, status: StatusCode },
    #[error(
        "{0} does not show what goes over its bus, only `leads serve` does; on AWS have a rule hand it on: \
         `aws events put-rule --name leads-events --event-bus-name default \
         --event-pattern '{{\"source\":[\"leads\"]}}'`, and `aws events put-targets` to a queue or log group"
    )]
    NoBusLog(String),
    #[error("the file store refused the upload with status {}", .0.as_u16())]
    Upload(StatusCode),
    #[error("the server wants the file in several parts, which this command cannot do yet")]
    Multipart,
    #[error("import {id} {status}{}", reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    Ended { id: String, status: String, reason: Option<String> },
}

impl ClientError {
    /// Tells whether the same call may pass in a moment.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            // A gateway says so itself where a function had no time.
            Self::Unexpected { status, .. } => status.is_server_error(),
            _ => false,
        }
    }
}

/// Is a method with the body that it takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Call<'a> {
    Get,
    Delete,
    Post(&'a Value),
    Patch(&'a Value),
}

/// Calls the API of one base URL with one key.
pub(crate) struct Api {
    pub(super) agent: Agent,
    base: String,
    key: String,
}

impl Api {
    pub(crate) fn new(url: &str, key: String) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_LIMIT))
            .timeout_recv_response(Some(ANSWER_LIMIT))
            .build()
            .new_agent();
        Self { agent, base: url.trim_end_matches('/').to_owned(), key }
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let url = self.url(path);
        let sent = self.agent.get(&url).header("authorization", self.authorization()).call();
        answer(url, sent)
    }

    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, ClientError> {
        let url = self.url(path);
        let sent = self.agent.post(&url).header("authorization", self.authorization()).send_json(body);
        answer(url, sent)
    }

    /// Makes one call and gives the body of its answer, null where there is none.
    pub(crate) fn call(&self, call: Call<'_>, path: &str) -> Result<Value, ClientError> {
        let (url, key) = (self.url(path), self.authorization());
        let sent = match call {
            Call::Get => self.agent.get(&url).header("authorization", key).call(),
            Call::Delete => self.agent.delete(&url).header("authorization", key).call(),
            Call::Post(body) => self.agent.post(&url).header("authorization", key).send_json(body),
            Call::Patch(body) => self.agent.patch(&url).header("authorization", key).send_json(body),
        };
        answer(url, sent)
    }

    /// Reads what the local process tells outside of the API.
    pub(crate) fn outside<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.base);
        let sent = self.agent.get(&url).header("authorization", self.authorization()).call();
        match answer(url, sent) {
            Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. })
            | Err(ClientError::Unexpected { status: StatusCode::NOT_FOUND, .. }) => {
                Err(ClientError::NoBusLog(self.base.clone()))
            }
            answered => answered,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base)
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.key)
    }
}

fn answer<T: DeserializeOwned>(
    url: String,
    sent: Result<http::Response<Body>, ureq::Error>,
) -> Result<T, ClientError> {
    let mut response = match sent {
        Ok(response) => response,
        Err(source) => return Err(ClientError::Unreachable { url, source: Box::new(source) }),
    };
    let status = response.status();
    if status == StatusCode::NO_CONTENT {
        return serde_json::from_value(Value::Null).map_err(|_| ClientError::Unexpected { url, status });
    }
    if status.is_success() {
        return response.body_mut().read_json().map_err(|_| ClientError::Unexpected { url, status });
    }
    let kind = response.headers().get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/problem+json")) {
        return Err(ClientError::Unexpected { url, status });
    }
    match response.body_mut().read_json() {
        Ok(problem) => Err(ClientError::Refused { status, problem: Box::new(problem) }),
        Err(_) => Err(ClientError::Unexpected { url, status }),
    }
}
