//! How far a notification has come. Rule: draft -> sent, and what was sent stays sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a notification has come. With `in_app` alone and nothing scheduled, a notification is a draft or sent; the
/// other names belong to channels that leave the process, and are known here so that a filter may ask for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "NotificationState")]
pub(crate) enum State {
    /// Written, and seen by its author alone.
    Draft,
    /// Waits for its time.
    Scheduled,
    /// Waits for its deliveries.
    Queued,
    /// Reached its recipient on every channel.
    Sent,
    /// Reached its recipient on some channels.
    PartiallySent,
    /// Reached its recipient on no channel.
    Failed,
    /// The recipient does not wish it.
    Suppressed,
    /// Taken back before its time.
    Cancelled,
}

impl State {
    /// All, in the order of a notification's life.
    pub(crate) const ALL: [Self; 8] = [
        Self::Draft,
        Self::Scheduled,
        Self::Queued,
        Self::Sent,
        Self::PartiallySent,
        Self::Failed,
        Self::Suppressed,
        Self::Cancelled,
    ];

    /// The name in JSON and in the store.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::PartiallySent => "partially_sent",
            Self::Failed => "failed",
            Self::Suppressed => "suppressed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again_and_is_another() {
        for (at, state) in State::ALL.into_iter().enumerate() {
            assert_eq!(State::from_name(state.as_str()), Some(state));
            assert_eq!(serde_json::from_value::<State>(state.as_str().into()).unwrap(), state);
            assert!(State::ALL[..at].iter().all(|earlier| earlier.as_str() != state.as_str()));
        }
        assert_eq!(State::from_name("SENT"), None);
    }
}
