//! Spans of time and periods of the calendar, as rules spell them.

use std::fmt;

/// Is a length of time such as `30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeSpan {
    /// How many; at least one.
    count: u32,
    /// Of what.
    unit: TimeUnit,
}

/// Is what lengths of time count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`: 24 hours for instants, a calendar day for dates
    Day,
    /// `w`: 7 days
    Week,
    /// `mo`: a calendar month, also for instants
    Month,
    /// `y`: 12 calendar months, also for instants
    Year,
}

impl TimeUnit {
    /// Lists the units, each with its letters and how many make 100 years.
    const ALL: [(Self, &str, u32); 6] = [
        (Self::Minute, "m", 36_500 * 24 * 60),
        (Self::Hour, "h", 36_500 * 24),
        (Self::Day, "d", 36_500),
        (Self::Week, "w", 36_500 / 7),
        (Self::Month, "mo", 1_200),
        (Self::Year, "y", 100),
    ];
}

impl TimeSpan {
    /// Says how lengths of time are spelled.
    pub(crate) const EXPECTED: &str =
        "a span of time such as `30d` (`m`, `h`, `d`, `w`, `mo` or `y`), from 1 to 100 years' worth";

    /// Takes a length; zero and more than 100 years is none.
    pub fn new(count: u32, unit: TimeUnit) -> Option<Self> {
        let (_, _, most) = TimeUnit::ALL.into_iter().find(|(known, ..)| *known == unit)?;
        (1..=most).contains(&count).then_some(Self { count, unit })
    }

    /// Reads `30d`: digits without a leading zero, and a unit.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, letters) = text.split_at_checked(digits)?;
        let (unit, ..) = TimeUnit::ALL.into_iter().find(|(_, known, _)| *known == letters)?;
        Self::new(count.parse().ok()?, unit).filter(|span| span.to_string() == text)
    }

    /// Tells whether a word looks like a length, also one that is too long.
    pub(crate) fn is_like(word: &str) -> bool {
        let letters = word.trim_start_matches(|c: char| c.is_ascii_digit());
        letters.len() < word.len() && TimeUnit::ALL.into_iter().any(|(_, known, _)| known == letters)
    }

    /// Gives how many.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Gives of what.
    pub fn unit(self) -> TimeUnit {
        self.unit
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters =
            TimeUnit::ALL.into_iter().find(|(unit, ..)| *unit == self.unit).map(|(_, text, _)| text);
        write!(f, "{}{}", self.count, letters.unwrap_or_default())
    }
}

/// Is a period of the calendar, seen from today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// 0 for the one that today is in, -1 for the one before, 1 for the one after.
    pub(crate) offset: i8,
    /// What is counted.
    pub(crate) unit: PeriodUnit,
}

/// Is what the calendar is cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeriodUnit {
    /// A day.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A month.
    Month,
    /// Three months, from January.
    Quarter,
    /// A year.
    Year,
}

impl Period {
    /// Lists every period with its name in both spellings.
    pub const NAMES: [(Self, &str); 15] = [
        (Self::new(-1, PeriodUnit::Day), "yesterday"),
        (Self::new(0, PeriodUnit::Day), "today"),
        (Self::new(1, PeriodUnit::Day), "tomorrow"),
        (Self::new(-1, PeriodUnit::Week), "last_week"),
        (Self::new(0, PeriodUnit::Week), "this_week"),
        (Self::new(1, PeriodUnit::Week), "next_week"),
        (Self::new(-1, PeriodUnit::Month), "last_month"),
        (Self::new(0, PeriodUnit::Month), "this_month"),
        (Self::new(1, PeriodUnit::Month), "next_month"),
        (Self::new(-1, PeriodUnit::Quarter), "last_quarter"),
        (Self::new(0, PeriodUnit::Quarter), "this_quarter"),
        (Self::new(1, PeriodUnit::Quarter), "next_quarter"),
        (Self::new(-1, PeriodUnit::Year), "last_year"),
        (Self::new(0, PeriodUnit::Year), "this_year"),
        (Self::new(1, PeriodUnit::Year), "next_year"),
    ];

    const fn new(offset: i8, unit: PeriodUnit) -> Self {
        Self { offset, unit }
    }

    /// Finds a period by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, known)| *known == name).map(|(period, _)| period)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.into_iter().find(|(period, _)| period == self).map(|(_, name)| name);
        f.write_str(name.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_printed() {
        for text in ["1m", "90m", "24h", "30d", "2w", "6mo", "100y"] {
            assert_eq!(TimeSpan::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "d", "0d", "030d", "30", "30D", "30days", "101y", "99999999999d", "-1d", "1.5d"] {
            assert_eq!(TimeSpan::parse(text), None, "{text}");
        }
        assert!(TimeSpan::is_like("999y") && !TimeSpan::is_like("3yz") && !TimeSpan::is_like("y"));
    }

    #[test]
    fn periods_are_read_and_printed() {
        for (period, name) in Period::NAMES {
            assert_eq!((Period::parse(name), period.to_string()), (Some(period), name.to_owned()));
        }
        assert_eq!(Period::parse("next_decade"), None);
    }
}
