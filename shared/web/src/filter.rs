//! Values of list filters. Rule: a comma means OR, `none` means null, `me` means the caller, the same for every list.

use crate::auth::Caller;
use contracts::UserId;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use sea_orm::sea_query::Value;
use sea_orm::{ColumnTrait, Condition};
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, de::IntoDeserializer};
use std::borrow::Cow;

/// The most alternatives of one filter.
const ALTERNATIVES: usize = 100;

/// `status=todo,done`: one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnyOf<T>(pub Vec<T>);

/// `category_id=none,0190…`: one of these, or null where `none` is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnyOrNone<T> {
    /// Whether null is among the alternatives.
    pub none: bool,
    /// The other alternatives.
    pub values: Vec<T>,
}

/// `me`, or the id of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserRef {
    /// The caller.
    Me,
    /// That user.
    Id(UserId),
}

/// A text among the alternatives of a filter: whatever has no comma.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Word(pub String);

/// A text that is the whole of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase(pub String);

/// The most characters of a [`Phrase`].
const PHRASE: usize = 200;

impl<'de> Deserialize<'de> for Phrase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.chars().count() > PHRASE {
            return Err(D::Error::custom(format!("may have {PHRASE} characters")));
        }
        Ok(Self(text))
    }
}

impl UserRef {
    /// The id that is meant.
    #[must_use]
    pub fn resolve(self, caller: &Caller) -> UserId {
        match self {
            Self::Me => caller.user_id,
            Self::Id(id) => id,
        }
    }
}

impl<T> AnyOf<T> {
    /// The condition on a column.
    pub fn condition<V: Into<Value>>(&self, column: impl ColumnTrait, value: impl Fn(&T) -> V) -> Condition {
        Condition::any().add(column.is_in(self.0.iter().map(value)))
    }
}

impl<T> AnyOrNone<T> {
    /// The same of other values.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> AnyOrNone<U> {
        AnyOrNone { none: self.none, values: self.values.into_iter().map(convert).collect() }
    }

    /// The condition on a column that may be null.
    pub fn condition<V: Into<Value>>(&self, column: impl ColumnTrait, value: impl Fn(&T) -> V) -> Condition {
        let any = Condition::any().add(column.is_in(self.values.iter().map(value)));
        if self.none { any.add(column.is_null()) } else { any }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for AnyOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        split(&text)?.into_iter().map(one::<T, D::Error>).collect::<Result<_, _>>().map(Self)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for AnyOrNone<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (none, values): (Vec<&str>, Vec<&str>) = split(&text)?.into_iter().partition(|part| *part == "none");
        let values = values.into_iter().map(one::<T, D::Error>).collect::<Result<_, _>>()?;
        Ok(Self { none: !none.is_empty(), values })
    }
}

impl<'de> Deserialize<'de> for UserRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "me" => Ok(Self::Me),
            id => one(id).map(Self::Id),
        }
    }
}

/// A list with commas of whatever `T` is.
macro_rules! alternatives {
    ($($name:ident, $item:expr;)+) => {$(
        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                format!(concat!(stringify!($name), "_{}"), T::schema_name()).into()
            }

            fn schema_id() -> Cow<'static, str> {
                format!(concat!(module_path!(), "::", stringify!($name), "<{}>"), T::schema_id()).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let item: fn(Schema) -> Schema = $item;
                let items = item(generator.subschema_for::<T>());
                json_schema!({ "type": "array", "items": items, "minItems": 1, "maxItems": ALTERNATIVES })
            }
        }
    )+};
}

alternatives! {
    AnyOf, |item| item;
    AnyOrNone, |item| json_schema!({ "anyOf": [{ "const": "none" }, item] });
}

crate::schemas! {
    UserRef => json_schema!({ "anyOf": [{ "const": "me" }, { "type": "string", "format": "uuid" }] });
    Word => json_schema!({ "type": "string", "minLength": 1, "pattern": r"^[^,\u0000\uFFFD]+$" });
    Phrase => json_schema!({ "type": "string", "maxLength": PHRASE, "pattern": r"^[^\u0000\uFFFD]*$" });
}

fn split<E: Error>(text: &str) -> Result<Vec<&str>, E> {
    let parts: Vec<&str> = text.split(',').collect();
    if parts.len() > ALTERNATIVES {
        return Err(E::custom(format!("may have {ALTERNATIVES} alternatives")));
    }
    if parts.iter().any(|part| part.is_empty()) {
        return Err(E::custom("must not be empty, nor any part of it"));
    }
    Ok(parts)
}

fn one<T: DeserializeOwned, E: Error>(text: &str) -> Result<T, E> {
    let text: StrDeserializer<'_, E> = text.into_deserializer();
    T::deserialize(text)
}
