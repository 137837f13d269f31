//! A field of a JSON Merge Patch (RFC 7396). Rule: absent, null and a value are three different wishes.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// What a merge patch wants of one field. Declare it as `#[serde(default)] field: Patch<T>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Leave it as it is.
    #[default]
    Absent,
    /// Take it away.
    Null,
    /// Set it.
    Value(T),
}

impl<T> Patch<T> {
    /// True when the field is to stay as it is.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The wish about an inner value, converted.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Absent => Patch::Absent,
            Self::Null => Patch::Null,
            Self::Value(value) => Patch::Value(convert(value)),
        }
    }

    /// The field's new state: `present` when nothing is wished.
    pub fn or(self, present: Option<T>) -> Option<T> {
        match self {
            Self::Absent => present,
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }

    /// The wished value, if one is wished.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// For a use-case that distinguishes by nesting: outer `None` leaves, inner `None` takes away.
    pub fn into_nested(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    /// Carries the wish out.
    pub fn apply(self, field: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *field = None,
            Self::Value(value) => *field = Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

/// As it stands in a body: the value, or null.
impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Option::<T>::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        color: Patch<String>,
    }

    fn color(json: &str) -> Patch<String> {
        serde_json::from_str::<Body>(json).unwrap().color
    }

    #[test]
    fn absent_null_and_a_value_are_told_apart() {
        assert_eq!(color("{}"), Patch::Absent);
        assert_eq!(color(r#"{"color":null}"#), Patch::Null);
        assert_eq!(color(r#"{"color":"red"}"#), Patch::Value("red".to_owned()));
        assert!(serde_json::from_str::<Body>(r#"{"color":7}"#).is_err());
    }

    #[test]
    fn a_wish_is_carried_out() {
        assert_eq!(Patch::Absent.or(Some(1)), Some(1));
        assert_eq!(Patch::Null.or(Some(1)), None);
        assert_eq!(Patch::Value(2).or(Some(1)), Some(2));
        let mut field = Some(1);
        Patch::Absent.apply(&mut field);
        assert_eq!(field, Some(1));
        Patch::Value(3).apply(&mut field);
        assert_eq!(field, Some(3));
        Patch::Null.apply(&mut field);
        assert_eq!(field, None);
    }
}
