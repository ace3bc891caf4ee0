//! Typed values of custom attributes.
//!
//! Text becomes a number, a date or a boolean only where it prints back the same: `07001`,
//! `1.50`, `1.234,56`, `23.11.2026` and `TRUE` are kept as the text they are, so nothing is ever
//! silently another number or another day. Reading *into* a field whose type is already known
//! ([`AttributeValue::parse_as`]) is a little wider, but never ambiguous.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// Types a custom attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttributeType {
    /// Any text.
    Text,
    /// A finite decimal number.
    Number,
    /// A calendar day.
    Date,
    /// True or false.
    Boolean,
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Date => "date",
            Self::Boolean => "boolean",
        })
    }
}

/// Holds a finite number that every part of the product can keep exactly.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Number(f64);

impl Eq for Number {}

impl Number {
    /// Past this whole numbers are no longer all distinct in a double (2^53).
    const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;
    /// DynamoDB keeps magnitudes from 1e-130 to just under 1e126.
    const MAGNITUDES: std::ops::Range<f64> = 1e-130..1e126;

    /// Takes a number, or refuses it where the table could not hold it; negative zero is zero.
    pub fn new(value: f64) -> Option<Self> {
        if value == 0.0 {
            return Some(Self(0.0));
        }
        Self::MAGNITUDES.contains(&value.abs()).then_some(Self(value))
    }

    /// Takes a JSON number, unless it is an integer that a double would change.
    pub fn from_json(number: &serde_json::Number) -> Option<Self> {
        let value = number.as_f64()?;
        let exact = match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => value as i128 == i128::from(integer),
            (None, Some(integer)) => value as i128 == i128::from(integer),
            (None, None) => true,
        };
        Self::new(value).filter(|_| exact)
    }

    /// Reads plain decimal digits with an optional sign and point: `+5`, `1.50`, `0.25`.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let plain = digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.ends_with(|c: char| c.is_ascii_digit())
            && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let number = Self::new(plain.then(|| text.parse().ok()).flatten()?)?;
        // More digits than a double holds would come back as another number.
        let significant = digits.bytes().filter(u8::is_ascii_digit).skip_while(|b| *b == b'0').count();
        (significant <= 15 || number.to_string() == text).then_some(number)
    }

    /// Gives the double.
    pub fn as_f64(self) -> f64 {
        self.0
    }

    /// Gives the JSON spelling: whole numbers without a point.
    pub fn to_json(self) -> serde_json::Value {
        if self.0.fract() == 0.0 && self.0.abs() <= Self::MAX_EXACT_INTEGER {
            return (self.0 as i64).into();
        }
        self.0.into()
    }
}

impl fmt::Display for Number {
    /// Prints plain digits, never an exponent; reading them back gives the same number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Holds one value of a custom attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// Any text, kept as given.
    Text(String),
    /// A finite number.
    Number(Number),
    /// A calendar day.
    Date(NaiveDate),
    /// True or false.
    Boolean(bool),
}

impl AttributeValue {
    /// Types a text by what it prints back as; what fits nothing else is text.
    ///
    /// # Examples
    /// ```
    /// use model::{AttributeType, AttributeValue};
    /// assert_eq!(AttributeValue::infer("42").kind(), AttributeType::Number);
    /// assert_eq!(AttributeValue::infer("07001").kind(), AttributeType::Text);
    /// assert_eq!(AttributeValue::infer("2026-11-23").kind(), AttributeType::Date);
    /// assert_eq!(AttributeValue::infer("23.11.2026").kind(), AttributeType::Text);
    /// ```
    pub fn infer(text: &str) -> Self {
        [AttributeType::Number, AttributeType::Date, AttributeType::Boolean]
            .into_iter()
            .filter_map(|kind| Self::parse_as(text, kind).ok())
            .find(|value| value.to_string() == text)
            .unwrap_or_else(|| Self::Text(text.to_owned()))
    }

    /// Reads a text into a field of a known type.
    ///
    /// Numbers may carry a plus sign and trailing zeros, booleans any case; a day is
    /// `YYYY-MM-DD`. Grouped digits, decimal commas and other day orders mean different things
    /// in different countries and are refused.
    ///
    /// # Errors
    /// `wrong_type` with the spelling that is expected.
    pub fn parse_as(text: &str, kind: AttributeType) -> Result<Self, Invalid> {
        let trimmed = text.trim();
        let value = match kind {
            AttributeType::Text => Some(Self::Text(text.to_owned())),
            AttributeType::Number => Number::parse(trimmed).map(Self::Number),
            AttributeType::Date => parse_day(trimmed).map(Self::Date),
            AttributeType::Boolean if trimmed.eq_ignore_ascii_case("true") => Some(Self::Boolean(true)),
            AttributeType::Boolean if trimmed.eq_ignore_ascii_case("false") => Some(Self::Boolean(false)),
            AttributeType::Boolean => None,
        };
        value.ok_or_else(|| wrong_type(kind))
    }

    /// Reads a JSON value: into the type of the field where that is known, else by its own.
    ///
    /// A JSON string of an unknown field is text, or a date where it prints back as one: JSON has
    /// no dates, but it has numbers and booleans, so `"42"` was meant as text.
    ///
    /// # Errors
    /// `wrong_type` when it does not convert; `out_of_range` for a number that would change.
    pub fn from_json(value: &serde_json::Value, known: Option<AttributeType>) -> Result<Self, Invalid> {
        let own = match value {
            serde_json::Value::Bool(boolean) => Self::Boolean(*boolean),
            serde_json::Value::Number(number) => {
                Self::Number(Number::from_json(number).ok_or_else(|| {
                    Invalid::new(
                        "out_of_range",
                        "this number cannot be kept exactly; numbers go up to 1e126, whole ones have at \
                         most 15 digits; give it as text",
                    )
                })?)
            }
            serde_json::Value::String(text) => match (known, Self::infer(text)) {
                (Some(kind), _) => return Self::parse_as(text, kind),
                (None, date @ Self::Date(_)) => date,
                (None, _) => Self::Text(text.clone()),
            },
            serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                return Err(wrong_type(known.unwrap_or(AttributeType::Text)));
            }
        };
        match known {
            Some(AttributeType::Text) => Ok(Self::Text(own.to_string())),
            Some(kind) if kind != own.kind() => Err(wrong_type(kind)),
            _ => Ok(own),
        }
    }

    /// Gives the JSON spelling.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => number.to_json(),
            Self::Date(day) => day.to_string().into(),
            Self::Boolean(boolean) => (*boolean).into(),
        }
    }

    /// Tells the type.
    pub fn kind(&self) -> AttributeType {
        match self {
            Self::Text(_) => AttributeType::Text,
            Self::Number(_) => AttributeType::Number,
            Self::Date(_) => AttributeType::Date,
            Self::Boolean(_) => AttributeType::Boolean,
        }
    }
}

impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Date(day) => day.fmt(f),
            Self::Boolean(boolean) => boolean.fmt(f),
        }
    }
}

/// Reads `YYYY-MM-DD` with exactly these digits; chrono alone would also take `2026-1-5`.
fn parse_day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (day.to_string() == text).then_some(day)
}

fn wrong_type(kind: AttributeType) -> Invalid {
    Invalid::new(
        "wrong_type",
        match kind {
            AttributeType::Text => "give text, a number or a boolean",
            AttributeType::Number => "this field holds numbers; give digits such as `1234.56`",
            AttributeType::Date => "this field holds dates; give `YYYY-MM-DD`",
            AttributeType::Boolean => "this field holds `true` or `false`",
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_gets_a_type_only_where_it_prints_back_the_same() {
        for text in ["0", "42", "-7", "1.5", "0.25", "1.234", "9007199254740991"] {
            assert_eq!(AttributeValue::infer(text).kind(), AttributeType::Number, "{text}");
        }
        for text in [
            "07001",
            "1.50",
            "+5",
            "-0",
            "1e3",
            "1,000",
            "1.234,56",
            ".5",
            "5.",
            "NaN",
            "inf",
            "1 000",
            "²",
            "12345678901234567890",
            "0.1000000000000000055",
            "TRUE",
            "yes",
            "23.11.2026",
            "11/23/2026",
            "2026-1-5",
            "2026-02-30",
            " 42",
            "",
            "1_000",
            "0x10",
        ] {
            assert_eq!(AttributeValue::infer(text).kind(), AttributeType::Text, "{text}");
        }
        assert_eq!(AttributeValue::infer("true"), AttributeValue::Boolean(true));
        assert_eq!(AttributeValue::infer("2024-02-29").kind(), AttributeType::Date);
    }

    #[test]
    fn a_known_field_reads_a_little_wider_but_never_guesses() {
        let number = |text| AttributeValue::parse_as(text, AttributeType::Number).map(|v| v.to_string());
        assert_eq!(number(" 1.50 "), Ok("1.5".to_owned()));
        assert_eq!(number("+007"), Ok("7".to_owned()));
        for text in ["1,5", "1.234,56", "1,234.56", "1e3", "12345678901234567", "abc", ""] {
            assert_eq!(number(text).expect_err(text).code, "wrong_type", "{text}");
        }
        assert_eq!(
            AttributeValue::parse_as("TRUE", AttributeType::Boolean),
            Ok(AttributeValue::Boolean(true))
        );
        assert!(AttributeValue::parse_as("23.11.2026", AttributeType::Date).is_err());
    }

    #[test]
    fn a_json_integer_that_a_double_would_change_is_refused() {
        let refused = serde_json::json!(9_007_199_254_740_993_i64);
        assert_eq!(AttributeValue::from_json(&refused, None).unwrap_err().code, "out_of_range");
        assert_eq!(
            AttributeValue::from_json(&serde_json::json!(1e300), None).unwrap_err().code,
            "out_of_range"
        );
        assert_eq!(
            AttributeValue::from_json(&serde_json::json!(-0.0), None).unwrap().to_json(),
            serde_json::json!(0)
        );
    }

    #[test]
    fn json_converts_into_the_type_of_its_field() {
        let read = |json: serde_json::Value, kind| AttributeValue::from_json(&json, kind);
        assert_eq!(read("42".into(), Some(AttributeType::Number)).unwrap().to_json(), serde_json::json!(42));
        assert_eq!(read(42.into(), Some(AttributeType::Text)), Ok(AttributeValue::Text("42".into())));
        assert_eq!(read(true.into(), Some(AttributeType::Number)).unwrap_err().code, "wrong_type");
        assert_eq!(read("42".into(), None), Ok(AttributeValue::Text("42".into())));
        assert_eq!(read("2025-03-01".into(), None).unwrap().kind(), AttributeType::Date);
        assert!(read(serde_json::json!([1]), None).is_err());
    }

    proptest! {
        #[test]
        fn every_text_prints_back_as_it_was(text in "[-+0-9.,eE truefals]{0,20}|\\PC{0,12}") {
            prop_assert_eq!(AttributeValue::infer(&text).to_string(), text);
        }

        #[test]
        fn every_number_prints_back_as_itself(value: f64) {
            if let Some(number) = Number::new(value) {
                prop_assert_eq!(number.to_string().parse::<f64>().unwrap(), number.as_f64());
            }
        }
    }
}
