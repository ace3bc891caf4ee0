//! What spans and periods mean at a moment: which values they cover, and when that changes.
//!
//! `now` and the zone are bound once, in a [`Moment`]; `today` is the day that `now` is on there.
//!
//! | operator | instants | days |
//! |---|---|---|
//! | `in_last N` | `now - N < value <= now` | `today - N < value <= today`: N days that end today |
//! | `in_next N` | `now < value <= now + N` | `today <= value < today + N`: N days that begin today |
//! | `older_than N` | `value <= now - N` | `value <= today - N` |
//! | `during P` | its day is in P | it is in P |
//! | `anniversary_in_next N` | as for its day | a later year's day of it is in `[today, today + N)` |
//!
//! - For instants `m`, `h`, `d` and `w` are exact: a `d` is 24 hours, also when clocks change. A `mo`
//!   or `y` counts days of the calendar, of the value as well as of now, so that nothing comes and
//!   goes with the hour at the ends of months: `in_last` is `today - N < day <= today` and
//!   `value <= now`, `in_next` is `now < value` and `day < today + N`, `older_than` is
//!   `day <= today - N`. So a value that is not ahead is in exactly one of `in_last N` and
//!   `older_than N`.
//! - Days have no `m` and `h`.
//! - A month from the 31st ends on the last day of a shorter month; a 29 February has its
//!   anniversary on the 28th in other years. The day itself is no anniversary.
//! - Weeks begin on Monday, quarters in January, April, July and October.

use std::ops::Bound;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};

use super::{Period, PeriodUnit, Relative, TimeSpan, TimeUnit, Zone};
use crate::scoring::Tiers;

/// Holds values from one to another, each end open or closed.
pub type Range<T> = (Bound<T>, Bound<T>);

/// Is the now of one request, in the zone of its tenant, with what the tenant calls scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// The instant.
    pub now: DateTime<Utc>,
    /// The zone.
    pub zone: Zone,
    /// The day there.
    pub today: NaiveDate,
    /// Where tiers begin.
    pub tiers: Tiers,
}

impl Moment {
    /// Binds now, with the tiers of who said nothing else.
    pub fn new(now: DateTime<Utc>, zone: Zone) -> Self {
        let today = zone.day_of(now);
        Self { now, zone, today, tiers: Tiers::default() }
    }

    /// Ranks scores as a tenant does.
    #[must_use]
    pub fn with_tiers(self, tiers: Tiers) -> Self {
        Self { tiers, ..self }
    }

    /// Binds another now.
    pub(super) fn at(&self, now: DateTime<Utc>) -> Self {
        Self::new(now, self.zone.clone()).with_tiers(self.tiers)
    }
}

/// Is a condition that looks at the clock, other than an anniversary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Within the last span, now included.
    InLast(TimeSpan),
    /// Within the next span.
    InNext(TimeSpan),
    /// Not within the last span, but before.
    OlderThan(TimeSpan),
    /// In a period.
    During(Period),
}

impl Clock {
    /// Takes a relative operator; an anniversary is none.
    pub(crate) fn of(relative: Relative, span: TimeSpan) -> Option<Self> {
        match relative {
            Relative::InLast => Some(Self::InLast(span)),
            Relative::InNext => Some(Self::InNext(span)),
            Relative::OlderThan => Some(Self::OlderThan(span)),
            Relative::AnniversaryInNext => None,
        }
    }

    /// Gives the days that the condition covers at a moment.
    pub fn days(self, moment: &Moment) -> Range<NaiveDate> {
        use Bound::{Excluded, Included, Unbounded};
        let today = moment.today;
        match self {
            Self::InLast(span) => (Excluded(earlier(today, span)), Included(today)),
            Self::InNext(span) => (Included(today), Excluded(later(today, span))),
            Self::OlderThan(span) => (Unbounded, Included(earlier(today, span))),
            Self::During(period) => {
                let (first, last) = period.days(today);
                (Included(first), Included(last))
            }
        }
    }

    /// Gives the instants that the condition covers at a moment.
    pub fn instants(self, moment: &Moment) -> Range<DateTime<Utc>> {
        use Bound::{Excluded, Included, Unbounded};
        let (now, zone) = (moment.now, &moment.zone);
        let start_after = |day: NaiveDate| zone.start_of(after(day));
        match self {
            Self::InLast(span) => match exact(span) {
                Some(length) => (Excluded(minus(now, length)), Included(now)),
                None => (Included(start_after(earlier(moment.today, span))), Included(now)),
            },
            Self::InNext(span) => match exact(span) {
                Some(length) => (Excluded(now), Included(plus(now, length))),
                None => (Excluded(now), Excluded(zone.start_of(later(moment.today, span)))),
            },
            Self::OlderThan(span) => match exact(span) {
                Some(length) => (Unbounded, Included(minus(now, length))),
                None => (Unbounded, Excluded(start_after(earlier(moment.today, span)))),
            },
            Self::During(period) => {
                let (first, last) = period.days(moment.today);
                (Included(zone.start_of(first)), Excluded(start_after(last)))
            }
        }
    }

    /// Gives from when until when the condition covers a day.
    pub fn covers_day(self, day: NaiveDate, zone: &Zone) -> Times {
        match self {
            Self::InLast(span) => {
                Times::new(Some(zone.start_of(day)), Some(zone.start_of(first_that_leaves(day, span))))
            }
            Self::InNext(span) => {
                let enters = zone.start_of(first_that_reaches(day, span));
                Times::new(Some(enters), Some(zone.start_of(after(day))))
            }
            Self::OlderThan(span) => Times::new(Some(zone.start_of(first_that_leaves(day, span))), None),
            Self::During(period) => {
                let (first, last) = period.seen_from(day);
                Times::new(Some(zone.start_of(first)), Some(zone.start_of(after(last))))
            }
        }
    }

    /// Gives from when until when the condition covers an instant.
    pub fn covers_instant(self, instant: DateTime<Utc>, zone: &Zone) -> Times {
        let leaves = |span| match exact(span) {
            Some(length) => plus(instant, length),
            None => zone.start_of(first_that_leaves(zone.day_of(instant), span)),
        };
        match self {
            Self::InLast(span) => Times::new(Some(instant), Some(leaves(span))),
            Self::InNext(span) => {
                let enters = match exact(span) {
                    Some(length) => minus(instant, length),
                    None => zone.start_of(first_that_reaches(zone.day_of(instant), span)),
                };
                Times::new(Some(enters), Some(instant))
            }
            Self::OlderThan(span) => Times::new(Some(leaves(span)), None),
            Self::During(_) => self.covers_day(zone.day_of(instant), zone),
        }
    }
}

/// Is a stretch of time, from an instant on until another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

impl Times {
    fn new(from: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> Self {
        Self { from, until }
    }

    /// Gives the first end of the stretch that lies behind an instant.
    pub fn next_edge(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let is_empty = self.from.zip(self.until).is_some_and(|(from, until)| from >= until);
        let ends = [self.from, self.until].into_iter().flatten();
        ends.filter(|edge| *edge > now && !is_empty && *edge < DateTime::<Utc>::MAX_UTC).min()
    }
}

impl Period {
    /// Gives the first and the last day, seen from today.
    fn days(self, today: NaiveDate) -> (NaiveDate, NaiveDate) {
        self.shifted(today, self.offset)
    }

    /// Gives the first and the last day from which a day is in the period.
    fn seen_from(self, day: NaiveDate) -> (NaiveDate, NaiveDate) {
        self.shifted(day, -self.offset)
    }

    fn shifted(self, day: NaiveDate, offset: i8) -> (NaiveDate, NaiveDate) {
        let months = match self.unit {
            PeriodUnit::Day => {
                let day = moved_by_days(day, offset.into());
                return (day, day);
            }
            PeriodUnit::Week => {
                let monday = moved_by_days(day, -i64::from(day.weekday().num_days_from_monday()));
                let first = moved_by_days(monday, 7 * i64::from(offset));
                return (first, moved_by_days(first, 6));
            }
            PeriodUnit::Month => 1,
            PeriodUnit::Quarter => 3,
            PeriodUnit::Year => 12,
        };
        let month = day.month0() / months * months;
        let start = NaiveDate::from_ymd_opt(day.year(), month + 1, 1).unwrap_or(day);
        let first = moved_by_months(start, i64::from(offset) * i64::from(months));
        let next = moved_by_months(first, months.into());
        (first, moved_by_days(next, -1))
    }
}

/// Tells whether an anniversary of a day is within the next span.
pub(crate) fn has_anniversary(day: NaiveDate, span: TimeSpan, today: NaiveDate) -> bool {
    next_anniversary(day, today).is_some_and(|next| next < later(today, span))
}

/// Gives the next instant at which [`has_anniversary`] may change.
pub(crate) fn anniversary_edge(day: NaiveDate, span: TimeSpan, moment: &Moment) -> Option<DateTime<Utc>> {
    let next = next_anniversary(day, moment.today)?;
    let reached = first_that_reaches(next, span);
    let edge = if reached > moment.today { reached } else { after(next) };
    Some(moment.zone.start_of(edge)).filter(|edge| *edge < DateTime::<Utc>::MAX_UTC)
}

/// Gives the first anniversary from a day on.
fn next_anniversary(day: NaiveDate, from: NaiveDate) -> Option<NaiveDate> {
    let in_year = |year: i32| {
        let years = u32::try_from(year.checked_sub(day.year())?).ok()?;
        day.checked_add_months(Months::new(years.checked_mul(12)?))
    };
    let year = from.year().max(day.year().checked_add(1)?);
    in_year(year).filter(|anniversary| *anniversary >= from).or_else(|| in_year(year.checked_add(1)?))
}

/// Gives the length of a span that is the same at any time.
fn exact(span: TimeSpan) -> Option<TimeDelta> {
    let count = i64::from(span.count());
    match span.unit() {
        TimeUnit::Minute => TimeDelta::try_minutes(count),
        TimeUnit::Hour => TimeDelta::try_hours(count),
        TimeUnit::Day => TimeDelta::try_days(count),
        TimeUnit::Week => TimeDelta::try_weeks(count),
        TimeUnit::Month | TimeUnit::Year => None,
    }
}

/// Counts a span in days or else in months; hours do not come here, and would count as days.
fn by_calendar(span: TimeSpan) -> Result<i64, i64> {
    let count = i64::from(span.count());
    match span.unit() {
        TimeUnit::Minute | TimeUnit::Hour | TimeUnit::Day => Ok(count),
        TimeUnit::Week => Ok(count * 7),
        TimeUnit::Month => Err(count),
        TimeUnit::Year => Err(count * 12),
    }
}

fn later(day: NaiveDate, span: TimeSpan) -> NaiveDate {
    match by_calendar(span) {
        Ok(days) => moved_by_days(day, days),
        Err(months) => moved_by_months(day, months),
    }
}

fn earlier(day: NaiveDate, span: TimeSpan) -> NaiveDate {
    match by_calendar(span) {
        Ok(days) => moved_by_days(day, -days),
        Err(months) => moved_by_months(day, -months),
    }
}

/// Gives the first today from which a day is no longer within the last span.
fn first_that_leaves(day: NaiveDate, span: TimeSpan) -> NaiveDate {
    // Months have up to three days less than the one before.
    first_from(later(day, span), |today| earlier(today, span) >= day)
}

/// Gives the first today from which a day is within the next span.
fn first_that_reaches(day: NaiveDate, span: TimeSpan) -> NaiveDate {
    first_from(earlier(day, span), |today| later(today, span) > day)
}

fn first_from(start: NaiveDate, holds: impl Fn(NaiveDate) -> bool) -> NaiveDate {
    start.iter_days().take(5).find(|today| holds(*today)).unwrap_or(NaiveDate::MAX)
}

fn after(day: NaiveDate) -> NaiveDate {
    day.succ_opt().unwrap_or(NaiveDate::MAX)
}

// Past the ends of the calendar there is only its last day.

fn moved_by_days(day: NaiveDate, days: i64) -> NaiveDate {
    let moved = match u64::try_from(days) {
        Ok(days) => day.checked_add_days(Days::new(days)),
        Err(_) => day.checked_sub_days(Days::new(days.unsigned_abs())),
    };
    moved.unwrap_or(if days < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
}

fn moved_by_months(day: NaiveDate, months: i64) -> NaiveDate {
    let count = Months::new(u32::try_from(months.unsigned_abs()).unwrap_or(u32::MAX));
    let moved = if months < 0 { day.checked_sub_months(count) } else { day.checked_add_months(count) };
    moved.unwrap_or(if months < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
}

fn plus(instant: DateTime<Utc>, length: TimeDelta) -> DateTime<Utc> {
    instant.checked_add_signed(length).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn minus(instant: DateTime<Utc>, length: TimeDelta) -> DateTime<Utc> {
    instant.checked_sub_signed(length).unwrap_or(DateTime::<Utc>::MIN_UTC)
}
