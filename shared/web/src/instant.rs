//! Instants that clients give. Rule: exactly what RFC 3339 writes and a JSON Schema can say, and one that is stored can be
//! answered again as it was understood, in both databases: whole microseconds, and a year of four digits.

use crate::fields::FieldRule;
use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// An instant of a body or a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub DateTime<Utc>);

/// Why a text is no instant of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstantError {
    /// It is not written as RFC 3339 says, or there is no such day.
    #[error("must be a time such as 2026-01-31T09:00:00Z")]
    Unreadable,
    /// Its year is 0, or may not be that of the same instant in UTC.
    #[error("must be between the years 1 and 9999, and in these two end in Z")]
    OutOfRange,
}

/// What [`Instant::parse`] accepts, but for days that a month has not: those the format `date-time` refuses. An offset
/// would lead out of the first year and of the last one; a second 60 is the last of a day in UTC.
const PATTERN: &str = concat!(
    "^(?:(?!0000|9999-12-31[Tt]23:59:60)[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]",
    r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]|23:59:60)(?:\.[0-9]+)?[Zz]|",
    "(?!0000|0001|9999)[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]",
    r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$",
);

/// Long enough to stand once in the document.
impl JsonSchema for Instant {
    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": PATTERN,
            "description": "RFC 3339 with any offset. Of the years 1 and 9999 in UTC alone.",
        })
    }
}

impl Instant {
    /// Reads RFC 3339 with any offset; what is finer than a microsecond is dropped.
    ///
    /// # Errors
    /// See [`InstantError`].
    pub fn parse(raw: &str) -> Result<Self, InstantError> {
        if !is_written_well(raw) {
            return Err(InstantError::Unreadable);
        }
        let read = DateTime::parse_from_rfc3339(raw).map_err(|_| InstantError::Unreadable)?;
        let in_utc = raw.ends_with(['Z', 'z']);
        match raw.get(..4) {
            Some("0000") => return Err(InstantError::OutOfRange),
            Some("0001" | "9999") if !in_utc => return Err(InstantError::OutOfRange),
            _ => {}
        }
        // By way of microseconds, because chrono keeps a leap second as the 60th second, which no database gives back.
        let instant = DateTime::from_timestamp_micros(read.timestamp_micros()).ok_or(InstantError::OutOfRange)?;
        // The leap second of the very last day is the first of the year 10000.
        if instant.timestamp() > LAST { Err(InstantError::OutOfRange) } else { Ok(Self(instant)) }
    }
}

/// 9999-12-31T23:59:59Z.
const LAST: i64 = 253_402_300_799;

/// chrono also takes a blank between date and time, a minus sign that is none, and a second 60 at any time.
fn is_written_well(raw: &str) -> bool {
    let leap = raw.get(17..19) == Some("60");
    let last_of_a_day = raw.get(11..16) == Some("23:59") && raw.ends_with(['Z', 'z']);
    raw.is_ascii()
        && raw.get(10..11).is_some_and(|between| between.eq_ignore_ascii_case("t"))
        && (!leap || last_of_a_day)
}

impl FieldRule for InstantError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "invalid_datetime",
            Self::OutOfRange => "out_of_range",
        }
    }

    fn detail(&self) -> String {
        self.to_string()
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_turned_into_utc_and_what_is_too_fine_is_dropped() {
        let instant = Instant::parse("2026-01-31T10:00:00.1234567+01:00").unwrap();
        assert_eq!(instant.0.to_rfc3339(), "2026-01-31T09:00:00.123456+00:00");
        let leap = Instant::parse("2016-12-31T23:59:60Z").unwrap();
        assert_eq!(leap.0.to_rfc3339(), "2017-01-01T00:00:00+00:00");
    }

    #[test]
    fn the_first_and_the_last_year_are_whole_in_utc() {
        for raw in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-01-31t09:00:00z"] {
            assert!(Instant::parse(raw).is_ok(), "{raw}");
        }
    }

    #[test]
    fn what_cannot_be_answered_again_is_refused() {
        for (raw, error) in [
            ("tomorrow", InstantError::Unreadable),
            ("2026-01-31", InstantError::Unreadable),
            ("2026-02-30T00:00:00Z", InstantError::Unreadable),
            ("2026-01-31T09:00:00", InstantError::Unreadable),
            ("2026-01-31 09:00:00Z", InstantError::Unreadable),
            ("2026-01-31T09:00:60Z", InstantError::Unreadable),
            ("2026-01-31T23:59:60+01:00", InstantError::Unreadable),
            ("2026-01-31T09:00:00\u{2212}01:00", InstantError::Unreadable),
            ("2026-01-31T09:00:00+24:00", InstantError::Unreadable),
            ("2026-01-31T09:00:00+01:60", InstantError::Unreadable),
            ("0000-01-01T00:00:00Z", InstantError::OutOfRange),
            ("0001-01-01T00:00:00+01:00", InstantError::OutOfRange),
            ("9999-12-31T23:59:59-01:00", InstantError::OutOfRange),
        ] {
            assert_eq!(Instant::parse(raw), Err(error), "{raw}");
        }
    }
}
