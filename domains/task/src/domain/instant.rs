//! Instants that people give. Rule: one that is stored can be answered again as it was understood, in both databases:
//! whole microseconds, and a year of four digits.

use chrono::{DateTime, Datelike, Utc};

/// Why a text is no instant of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InstantError {
    #[error("must be a time such as 2026-01-31T09:00:00Z")]
    Unreadable,
    #[error("must be between the years 1 and 9999")]
    OutOfRange,
}

impl InstantError {
    /// The name of the broken rule in an answer.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "invalid_datetime",
            Self::OutOfRange => "out_of_range",
        }
    }
}

/// Reads RFC 3339 with any offset.
pub(crate) fn parse_instant(raw: &str) -> Result<DateTime<Utc>, InstantError> {
    let read = DateTime::parse_from_rfc3339(raw).map_err(|_| InstantError::Unreadable)?;
    // By way of microseconds, because chrono keeps a leap second as the 60th second, which no database gives back.
    let instant = DateTime::from_timestamp_micros(read.timestamp_micros()).ok_or(InstantError::OutOfRange)?;
    if (1..=9999).contains(&instant.year()) { Ok(instant) } else { Err(InstantError::OutOfRange) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_turned_into_utc_and_what_is_too_fine_is_dropped() {
        let instant = parse_instant("2026-01-31T10:00:00.1234567+01:00").unwrap();
        assert_eq!(instant.to_rfc3339(), "2026-01-31T09:00:00.123456+00:00");
        let leap = parse_instant("2016-12-31T23:59:60Z").unwrap();
        assert_eq!(leap.to_rfc3339(), "2017-01-01T00:00:00+00:00");
    }

    #[test]
    fn what_cannot_be_answered_again_is_refused() {
        for (raw, error) in [
            ("tomorrow", InstantError::Unreadable),
            ("2026-01-31", InstantError::Unreadable),
            ("2026-02-30T00:00:00Z", InstantError::Unreadable),
            ("2026-01-31T09:00:00", InstantError::Unreadable),
            ("0000-01-01T00:00:00Z", InstantError::OutOfRange),
            ("9999-12-31T23:59:59-01:00", InstantError::OutOfRange),
        ] {
            assert_eq!(parse_instant(raw), Err(error), "{raw}");
        }
    }
}
