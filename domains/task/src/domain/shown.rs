//! Values as the API shows them, for the `changes` of an event. Rule: the same spelling as in an answer.

use super::{Description, Labels, Title};
use chrono::{DateTime, SecondsFormat, Utc};
use contracts::task::{Priority, Status};
use contracts::{CategoryId, UserId};
use serde_json::Value;

/// How a value looks in JSON.
pub(super) trait Shown {
    fn shown(&self) -> Value;
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> Value {
        self.as_ref().map_or(Value::Null, Shown::shown)
    }
}

impl Shown for Labels {
    fn shown(&self) -> Value {
        Value::from(self.as_slice())
    }
}

impl Shown for DateTime<Utc> {
    fn shown(&self) -> Value {
        Value::from(self.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

macro_rules! shown_as_text {
    ($($name:ty => $text:ident;)+) => {
        $(impl Shown for $name {
            fn shown(&self) -> Value {
                Value::from(self.$text())
            }
        })+
    };
}

shown_as_text! {
    Title => as_str;
    Description => as_str;
    Status => as_str;
    Priority => as_str;
    CategoryId => to_string;
    UserId => to_string;
}
