//! Identifiers. Rule: one newtype per kind of thing, all the way from the URL into the store, so that a user's id
//! cannot be passed where a task's is meant.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! identifier {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The bare UUID, for the store.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Hyphenated(PhantomData))
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

/// Of the many ways to write a UUID the one that JSON Schema means by it, and that all of ours are written in.
struct Hyphenated<T>(PhantomData<T>);

impl<T: From<Uuid>> Visitor<'_> for Hyphenated<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a UUID with hyphens")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let id = if text.len() == HYPHENATED { Uuid::try_parse(text).ok() } else { None };
        id.map(T::from).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// Characters.
const HYPHENATED: usize = 36;

identifier! {
    /// A user.
    UserId;
    /// A sign-in of a user: all access and refresh tokens that descend from one login.
    SessionId;
    /// A task.
    TaskId;
    /// A category of tasks.
    CategoryId;
    /// A notification.
    NotificationId;
    /// An event; also the message id on a broker and the key in an inbox.
    EventId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_in_one_way() {
        let id = TaskId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
        assert_eq!(serde_json::from_str::<TaskId>("\"01900000-0000-7000-8000-000000000001\"").unwrap(), id);
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"01900000-0000-7000-8000-000000000001\"");
        for text in [
            "01900000000070008000000000000001",
            "{01900000-0000-7000-8000-000000000001}",
            "urn:uuid:01900000-0000-7000-8000-000000000001",
        ] {
            assert!(serde_json::from_value::<TaskId>(text.into()).is_err(), "{text}");
        }
        assert!(serde_json::from_value::<TaskId>(vec![0; 16].into()).is_err());
    }
}
