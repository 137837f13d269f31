//! What makes a struct an event. Rule: past-tense facts, versioned from v1, additive only.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A payload that can be emitted and heard.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The publishing domain: `task`.
    const DOMAIN: &'static str;
    /// The kind of aggregate whose stream it belongs to: `task`.
    const AGGREGATE: &'static str;
    /// The fact: `completed`.
    const NAME: &'static str;
    /// The version of the payload.
    const VERSION: i32;

    /// The CloudEvents type: `task.completed.v1`.
    #[must_use]
    fn event_type() -> String {
        format!("{}.{}.v{}", Self::AGGREGATE, Self::NAME, Self::VERSION)
    }

    /// The routing key `<domain>.<aggregate>.<event>.v<n>`.
    #[must_use]
    fn routing_key() -> String {
        format!("{}.{}", Self::DOMAIN, Self::event_type())
    }
}

/// One changed field of an `updated` event, with the values as the API shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change {
    /// The field's name in the API.
    pub field: String,
    /// The value before.
    pub from: Value,
    /// The value after.
    pub to: Value,
}

/// Implements [`Event`] for a payload: `impl_event!("task", TaskCompleted => "task.completed" v1)`.
macro_rules! impl_event {
    ($domain:literal / $aggregate:literal: $($payload:ident => $name:literal),+ $(,)?) => {
        $(impl $crate::Event for $payload {
            const DOMAIN: &'static str = $domain;
            const AGGREGATE: &'static str = $aggregate;
            const NAME: &'static str = $name;
            const VERSION: i32 = 1;
        })+

        /// Type and JSON Schema of every event of this module.
        #[cfg(feature = "schema")]
        pub(crate) fn schemas() -> Vec<(String, schemars::Schema)> {
            vec![$((<$payload as $crate::Event>::event_type(), schemars::schema_for!($payload))),+]
        }
    };
}
pub(crate) use impl_event;
