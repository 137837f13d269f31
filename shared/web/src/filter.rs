//! Values of list filters. Rule: a comma means OR, `none` means null, `me` means the caller, the same for every list.

use crate::auth::Caller;
use contracts::UserId;
use sea_orm::sea_query::Value;
use sea_orm::{ColumnTrait, Condition};
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, de::IntoDeserializer};

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
