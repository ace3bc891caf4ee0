use std::num::NonZeroU16;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Says what time takes off the points that a fact brought. It goes in steps, each at a whole
/// number of days after the fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Half of what is left goes every so many days, until nothing is left.
    HalfLifeDays(NonZeroU16),
    /// All of it goes after so many days.
    ExpireAfterDays(NonZeroU16),
}

impl Decay {
    /// Gives the time of the step after `at`: of a fact's first step where it happened then.
    pub fn next(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let (Self::HalfLifeDays(days) | Self::ExpireAfterDays(days)) = self;
        at.checked_add_signed(TimeDelta::days(days.get().into())).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Gives what a step leaves of points; of one point a half is nothing.
    pub fn left(self, points: i64) -> i64 {
        match self {
            Self::HalfLifeDays(_) => points / 2,
            Self::ExpireAfterDays(_) => 0,
        }
    }
}
