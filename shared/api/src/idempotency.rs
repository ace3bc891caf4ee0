//! `Idempotency-Key`: the same request, sent again, is done once.

use std::future::Future;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use store::{Begun, IdempotencyStore, ItemOutcome, Outcome, RequestKey};

use crate::{ApiError, Caller, Problem};

const MAX_KEY_CHARS: usize = 255;

/// Holds the caller's key for this request, with the method and path it is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    key: Option<String>,
    method: String,
    path: String,
}

impl IdempotencyKey {
    /// Names the request, if the caller gave a key.
    pub fn request(&self, caller: &Caller, body: &[u8]) -> Option<RequestKey> {
        let key = self.key.as_ref()?;
        Some(RequestKey::new(caller.tenant.id, &self.method, &self.path, key, body))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let key = match parts.headers.get("idempotency-key") {
            None => None,
            Some(value) => Some(
                value
                    .to_str()
                    .ok()
                    .filter(|key| (1..=MAX_KEY_CHARS).contains(&key.len()))
                    .ok_or_else(|| {
                        ApiError::malformed(format!(
                            "`Idempotency-Key` is 1 to {MAX_KEY_CHARS} visible ASCII characters"
                        ))
                    })?
                    .to_owned(),
            ),
        };
        Ok(Self { key, method: parts.method.to_string(), path: parts.uri.path().to_owned() })
    }
}

/// Is an answer together with what is remembered of it.
#[derive(Debug)]
pub struct Answer {
    /// What the caller gets.
    pub response: Response,
    /// What a repetition finds.
    pub outcome: Outcome,
}

/// Acts once under a key, or without one each time. `replay` makes the answer anew from what is
/// remembered: bodies are never kept, because they are personal data.
///
/// # Errors
/// 409 `in_progress`, 422 `idempotency_key_reused`, or what `act` and `replay` answer.
pub async fn once<S, A, R, AF, RF>(
    store: &S,
    key: Option<RequestKey>,
    act: A,
    replay: R,
) -> Result<Response, ApiError>
where
    S: IdempotencyStore,
    A: FnOnce() -> AF,
    AF: Future<Output = Result<Answer, ApiError>>,
    R: FnOnce(Outcome) -> RF,
    RF: Future<Output = Result<Response, ApiError>>,
{
    let Some(key) = key else { return Ok(act().await?.response) };
    match store.begin(&key).await? {
        Begun::Fresh => {}
        Begun::InProgress => {
            let detail = "the same request is being worked on; ask again in a moment";
            return Err(Problem {
                retry_after_s: Some(1),
                ..Problem::new(StatusCode::CONFLICT, "in_progress", detail)
            }
            .into());
        }
        Begun::OtherBody => {
            let detail = "this `Idempotency-Key` was used for a request with another body";
            return Err(
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail).into()
            );
        }
        Begun::Done(outcome) => match outcome.whole.code.clone() {
            Some(code) => return Err(remembered(&outcome.whole, code).into()),
            None => return replay(outcome).await,
        },
    }
    match act().await {
        Ok(answer) => {
            // One item that may pass later makes the whole worth another try.
            let final_ = answer.outcome.items.iter().all(|item| item.status < 500);
            if final_ {
                store.finish(&key, &answer.outcome).await?
            } else {
                store.forget(&key).await?
            }
            Ok(answer.response)
        }
        Err(error) => {
            let problem = error.to_problem();
            // Too many requests are none of this one's faults: it may pass in a moment.
            let may_pass = problem.status >= 500 || problem.status == 429;
            if !may_pass {
                let whole = ItemOutcome {
                    status: problem.status,
                    id: problem.id,
                    code: Some(problem.code.into_owned()),
                };
                store.finish(&key, &Outcome { whole, items: Vec::new() }).await?;
            } else {
                store.forget(&key).await?;
            }
            Err(error)
        }
    }
}

fn remembered(outcome: &ItemOutcome, code: String) -> Problem {
    let status = StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::CONFLICT);
    let detail = "the first request under this `Idempotency-Key` was answered so";
    Problem { id: outcome.id, ..Problem::new(status, code, detail) }
}
