//! The time zone a user lives in. Rule: an IANA name that the shipped database knows, so that whoever computes a
//! local hour later cannot fail on it.

use chrono_tz::{TZ_VARIANTS, Tz};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use web::FieldRule;

/// A known time zone, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timezone(String);

/// A text that names no time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimezoneRefused;

/// Long enough to stand once in the document.
impl JsonSchema for Timezone {
    fn schema_name() -> Cow<'static, str> {
        "Timezone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
        json_schema!({ "type": "string", "description": "An IANA time zone.", "enum": names })
    }
}

impl Timezone {
    pub(crate) fn parse(raw: &str) -> Result<Self, TimezoneRefused> {
        raw.parse::<Tz>().map(|zone| Self(zone.name().to_owned())).map_err(|_| TimezoneRefused)
    }

    /// What the store holds was parsed before it was written.
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Timezone {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

impl FieldRule for TimezoneRefused {
    fn code(&self) -> &'static str {
        "unknown_timezone"
    }

    fn detail(&self) -> String {
        "must be an IANA time zone such as Europe/Berlin".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iana_names_are_known_and_nothing_else_is() {
        for zone in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"] {
            assert_eq!(Timezone::parse(zone).unwrap().as_str(), zone);
        }
        for zone in ["", "Berlin", "+02:00", "europe/berlin\n", "../etc/passwd"] {
            assert_eq!(Timezone::parse(zone), Err(TimezoneRefused), "{zone:?}");
        }
        assert!(Timezone::parse(Timezone::default().as_str()).is_ok());
    }
}
