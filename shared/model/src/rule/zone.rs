//! Time zones: where days begin.
//!
//! The tables are jiff's, built in. Nothing else of it is used: instants and days are chrono's, as
//! everywhere, and a zone answers two questions.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::Invalid;

/// Is a time zone of the IANA database.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// Is Coordinated Universal Time, the zone of who said nothing else.
    pub fn utc() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }

    /// Finds a zone by its name, such as `Europe/Berlin`.
    ///
    /// # Errors
    /// `unknown_time_zone`
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        jiff::tz::TimeZone::get(name).map(Self).map_err(|_| {
            Invalid::new(
                "unknown_time_zone",
                format!("`{name}` is no time zone; give a name of the IANA database such as `Europe/Berlin`"),
            )
        })
    }

    /// Gives the first instant of a day.
    ///
    /// Where clocks skip midnight that is the first one behind it; where they show midnight
    /// twice, the first. Days that chrono has and jiff has not (before -9999, after 9999) begin
    /// when time does or never.
    pub fn start_of(&self, day: NaiveDate) -> DateTime<Utc> {
        let civil = i16::try_from(day.year())
            .ok()
            .zip(i8::try_from(day.month()).ok().zip(i8::try_from(day.day()).ok()))
            .and_then(|(year, (month, day))| Date::new(year, month, day).ok());
        let start = civil.and_then(|date| self.0.to_timestamp(date.at(0, 0, 0, 0)).ok());
        let start = start.and_then(|start| DateTime::from_timestamp_millis(start.as_millisecond()));
        start.unwrap_or(if day.year() < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC })
    }

    /// Gives the day that an instant is on: the last one that began.
    ///
    /// So days follow each other also where clocks went back over midnight.
    pub fn day_of(&self, instant: DateTime<Utc>) -> NaiveDate {
        let shown = Timestamp::from_millisecond(instant.timestamp_millis())
            .ok()
            .map(|instant| self.0.to_datetime(instant).date())
            .and_then(|date| {
                let (month, day) = (u32::try_from(date.month()).ok()?, u32::try_from(date.day()).ok()?);
                NaiveDate::from_ymd_opt(date.year().into(), month, day)
            })
            .unwrap_or_else(|| instant.date_naive());
        match shown.succ_opt() {
            Some(next) if self.start_of(next) <= instant => next,
            _ => shown,
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_begin_where_the_zone_says() {
        for (zone, on, start) in [
            ("UTC", "2026-11-23", "2026-11-23T00:00:00Z"),
            ("Europe/Berlin", "2026-07-01", "2026-06-30T22:00:00Z"),
            ("Europe/Berlin", "2026-12-01", "2026-11-30T23:00:00Z"),
            ("Asia/Kathmandu", "2026-12-01", "2026-11-30T18:15:00Z"),
            // Clocks went from 0:00 to 1:00.
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
            // At 0:01 clocks went back to 23:01 of the day before.
            ("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z"),
            // The day was left out.
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
            ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
            // Past what chrono-tz knows.
            ("Europe/Berlin", "2150-07-01", "2150-06-30T22:00:00Z"),
        ] {
            assert_eq!(Zone::parse(zone).unwrap().start_of(day(on)), instant(start), "{zone} {on}");
        }
        assert_eq!(Zone::parse("Mars/Olympus").unwrap_err().code, "unknown_time_zone");
    }

    #[test]
    fn an_instant_is_on_the_last_day_that_began() {
        for name in ["UTC", "America/St_Johns", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu"] {
            let zone = Zone::parse(name).unwrap();
            for around in ["2010-11-07", "2011-12-30", "2018-11-04", "2026-11-23"] {
                for minutes in -3_000..3_000 {
                    let instant = zone.start_of(day(around)) + chrono::TimeDelta::minutes(minutes);
                    let on = zone.day_of(instant);
                    assert!(zone.start_of(on) <= instant, "{name} {instant}");
                    assert!(instant < zone.start_of(on.succ_opt().unwrap()), "{name} {instant}");
                }
            }
        }
    }
}
