use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// Tells the domain's time, which tests may move; signatures and expiries keep real time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    offset: TimeDelta,
}

impl Clock {
    /// Starts at `LEADS_NOW` (RFC 3339) where that is set, else tells real time.
    ///
    /// # Errors
    /// The text of a `LEADS_NOW` that is no RFC 3339 time.
    pub fn from_env() -> Result<Self, String> {
        match std::env::var("LEADS_NOW") {
            Err(_) => Ok(Self::default()),
            Ok(text) => {
                DateTime::parse_from_rfc3339(&text).map(|start| Self::starting_at(start.to_utc())).map_err(
                    |_| format!("LEADS_NOW is `{text}`; give an RFC 3339 time such as 2026-11-23T08:00:00Z"),
                )
            }
        }
    }

    /// Starts at an instant and runs on.
    pub fn starting_at(start: DateTime<Utc>) -> Self {
        Self { offset: start - Utc::now() }
    }

    /// Gives the domain's time to the millisecond, which is what stores keep.
    pub fn now(&self) -> DateTime<Utc> {
        let now = Utc::now() + self.offset;
        now.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(now)
    }
}
