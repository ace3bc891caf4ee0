//! How many requests a key may send.
//!
//! The quota of a key is one for all instances. An instance takes some of it in advance, so that a
//! busy key costs one write unit in a hundred requests; the first few of a window it lets pass
//! unasked, so that a key which calls now and then costs nothing. What a window's quota is over by
//! is those few, once for each instance.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use store::{QuotaStore, StoreError};
use uuid::Uuid;

use crate::Problem;

/// How many requests a key may send in [`WINDOW_S`].
pub const REQUESTS_A_WINDOW: u32 = 5_000;
/// How long a window of time is, in seconds.
pub const WINDOW_S: u32 = 10;
const UNASKED: u32 = 20;
const TAKEN_AT_ONCE: u32 = 100;

/// Counts what this instance lets pass.
#[derive(Debug, Clone)]
pub(crate) struct Limiter {
    quota: u32,
    window: Arc<Mutex<Window>>,
}

#[derive(Debug, Default)]
struct Window {
    number: u64,
    shares: HashMap<Uuid, Share>,
}

/// Is what this instance may let pass of one key.
#[derive(Debug)]
struct Share {
    left: u32,
    /// What all instances together have taken, as far as this one knows.
    taken: u32,
    exhausted: bool,
}

/// Says whether a request passes, and what its answer tells of the quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) passes: bool,
    quota: u32,
    remaining: u32,
    resets_in_s: u32,
}

impl Limiter {
    pub(crate) fn new(quota: u32) -> Self {
        Self { quota, window: Arc::default() }
    }

    /// Decides on one request of a key.
    pub(crate) async fn admit(&self, store: &impl QuotaStore, key: Uuid) -> Result<Verdict, StoreError> {
        // Real time: quotas keep to the caller's clock, not to the domain's.
        let now_s = u64::try_from(Utc::now().timestamp()).unwrap_or_default();
        self.admit_at(store, key, now_s).await
    }

    async fn admit_at(&self, store: &impl QuotaStore, key: Uuid, now_s: u64) -> Result<Verdict, StoreError> {
        let window_s = u64::from(WINDOW_S);
        let number = now_s / window_s;
        let resets_in_s = WINDOW_S - u32::try_from(now_s % window_s).unwrap_or_default();
        let verdict = |share: &mut Share, passes| Verdict {
            passes,
            quota: self.quota,
            remaining: self.quota.saturating_sub(share.taken).saturating_add(share.left).min(self.quota),
            resets_in_s,
        };
        let at_once = self.quota.min(TAKEN_AT_ONCE);
        let known = self.with_share(number, key, |share| {
            let passes = share.spend();
            (passes || share.exhausted).then(|| verdict(share, passes))
        });
        if let Some(verdict) = known {
            return Ok(verdict);
        }
        let taken = store.take_quota(key, number, at_once, self.quota).await?;
        Ok(self.with_share(number, key, |share| {
            match taken {
                Some(taken) => {
                    share.left += at_once;
                    share.taken = share.taken.max(taken);
                }
                None => share.exhausted = true,
            }
            let passes = share.spend();
            verdict(share, passes)
        }))
    }

    fn with_share<T>(&self, number: u64, key: Uuid, act: impl FnOnce(&mut Share) -> T) -> T {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.number != number {
            *window = Window { number, shares: HashMap::new() };
        }
        let first = Share { left: UNASKED, taken: UNASKED, exhausted: false };
        act(window.shares.entry(key).or_insert(first))
    }
}

impl Share {
    fn spend(&mut self) -> bool {
        let passes = self.left > 0;
        self.left = self.left.saturating_sub(1);
        passes
    }
}

impl Verdict {
    /// Answers 429.
    pub(crate) fn refusal(&self) -> Response {
        let Self { quota, resets_in_s, .. } = self;
        let detail = format!("the key may send {quota} requests in {WINDOW_S} seconds; wait {resets_in_s} s");
        Problem {
            retry_after_s: Some(*resets_in_s),
            ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
        }
        .into_response()
    }

    /// Tells of the quota as draft-ietf-httpapi-ratelimit-headers has it.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let Self { quota, remaining, resets_in_s, .. } = self;
        for (name, value) in [
            ("ratelimit-policy", format!("\"key\";q={quota};w={WINDOW_S}")),
            ("ratelimit", format!("\"key\";r={remaining};t={resets_in_s}")),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use store::testing::MemoryStore;

    use super::*;

    async fn passed(limiter: &Limiter, store: &MemoryStore, key: Uuid, requests: u32, now_s: u64) -> u32 {
        let mut passed = 0;
        for _ in 0..requests {
            passed += u32::from(limiter.admit_at(store, key, now_s).await.unwrap().passes);
        }
        passed
    }

    #[tokio::test]
    async fn instances_share_the_quota_of_a_key_and_each_lets_a_few_pass_unasked() {
        let store = MemoryStore::default();
        let (key, other) = (Uuid::new_v4(), Uuid::new_v4());
        let instances = [Limiter::new(1_000), Limiter::new(1_000)];
        let mut sum = 0;
        for limiter in &instances {
            sum += passed(limiter, &store, key, 5_000, 100).await;
        }
        assert_eq!(sum, 1_000 + 2 * UNASKED);
        assert_eq!(passed(&instances[0], &store, other, 500, 100).await, 500);
        assert_eq!(passed(&instances[0], &store, key, 1, 109).await, 0);
        assert_eq!(passed(&instances[0], &store, key, 1, 110).await, 1);
    }

    #[tokio::test]
    async fn a_key_that_calls_now_and_then_costs_nothing() {
        // Any call of the store would fail.
        let faults = store::testing::CallFaults::crash(0, store::testing::Moment::Before);
        let store = MemoryStore::default().failing(faults);
        let limiter = Limiter::new(1_000);
        assert_eq!(passed(&limiter, &store, Uuid::new_v4(), UNASKED, 100).await, UNASKED);
    }
}
