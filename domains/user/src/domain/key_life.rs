//! The life of a signing key: published, signing, good for verifying only, gone. Rule: whoever verifies knows a key before
//! the first token of it comes, and keeps it until the last one has expired.

use chrono::{DateTime, TimeDelta, Utc};
use std::fmt;

/// How long a key is published before it signs: longer than a copy of the document may be kept (5 minutes) and than
/// verifiers take to fetch it again (5 more).
pub(crate) const PUBLISHED_AHEAD: TimeDelta = TimeDelta::minutes(15);
/// How long a key signs.
pub(crate) const SIGNS: TimeDelta = TimeDelta::days(30);
/// How long a key that signs no more is published: longer than its last token lives, and a copy of the document is kept.
pub(crate) const VERIFIES_ON: TimeDelta = TimeDelta::hours(1);

/// Where in its life a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// Published and not signing yet.
    Next,
    /// The one that signs.
    Active,
    /// Published for the tokens that it signed.
    Retired,
}

/// A key and its instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyLife {
    pub(crate) kid: String,
    pub(crate) state: KeyState,
    /// When it entered that state.
    pub(crate) since: DateTime<Utc>,
}

/// What is to be done about the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyTurn<'a> {
    /// Make the one that signs after the present one.
    Publish,
    /// It signs from now on, and the present one no more.
    Activate(&'a str),
    /// No token of it is left.
    Remove(&'a str),
}

impl KeyLife {
    /// When that state ends by itself.
    pub(crate) fn until(&self) -> DateTime<Utc> {
        self.since
            + match self.state {
                KeyState::Next => PUBLISHED_AHEAD,
                KeyState::Active => SIGNS,
                KeyState::Retired => VERIFIES_ON,
            }
    }
}

/// The first thing that is due. A key that was published signs when its time has come, however old the present one is: so
/// a change that somebody asked for is nothing but a key that is published early.
pub(crate) fn due(keys: &[KeyLife], now: DateTime<Utc>) -> Option<KeyTurn<'_>> {
    let of = |state| keys.iter().filter(move |key: &&KeyLife| key.state == state);
    if let Some(gone) = of(KeyState::Retired).find(|key| key.until() <= now) {
        return Some(KeyTurn::Remove(&gone.kid));
    }
    match of(KeyState::Next).next() {
        Some(next) => (next.until() <= now).then_some(KeyTurn::Activate(&next.kid)),
        None => of(KeyState::Active).any(|key| key.until() - PUBLISHED_AHEAD <= now).then_some(KeyTurn::Publish),
    }
}

impl KeyState {
    /// The name in the store and on the screen.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    /// The state of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Next, Self::Active, Self::Retired].into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ACCESS_TOKEN, REVOCATION};

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn key(kid: &str, state: KeyState, age: TimeDelta) -> KeyLife {
        KeyLife { kid: kid.to_owned(), state, since: NOW - age }
    }

    #[test]
    fn a_successor_is_published_a_quarter_of_an_hour_before_it_signs() {
        let instant = TimeDelta::microseconds(1);
        let young = [key("a", KeyState::Active, SIGNS - PUBLISHED_AHEAD - instant)];
        assert_eq!(due(&young, NOW), None);
        assert_eq!(due(&young, NOW + instant), Some(KeyTurn::Publish));
        let both = [key("a", KeyState::Active, SIGNS - instant), key("b", KeyState::Next, PUBLISHED_AHEAD - instant)];
        assert_eq!(due(&both, NOW), None);
        assert_eq!(due(&both, NOW + instant), Some(KeyTurn::Activate("b")));
    }

    #[test]
    fn a_key_that_was_asked_for_signs_in_its_time_however_young_the_other_is() {
        let keys = [key("a", KeyState::Active, TimeDelta::minutes(15)), key("b", KeyState::Next, PUBLISHED_AHEAD)];
        assert_eq!(due(&keys, NOW), Some(KeyTurn::Activate("b")));
    }

    #[test]
    fn after_a_long_sleep_the_successor_is_published_first_all_the_same() {
        assert_eq!(due(&[key("a", KeyState::Active, SIGNS * 3)], NOW), Some(KeyTurn::Publish));
    }

    #[test]
    fn a_retired_key_outlives_every_token_that_it_signed() {
        let keys = [key("b", KeyState::Active, TimeDelta::zero()), key("a", KeyState::Retired, VERIFIES_ON)];
        assert_eq!(due(&keys, NOW), Some(KeyTurn::Remove("a")));
        assert_eq!(due(&keys, NOW - TimeDelta::microseconds(1)), None);
        assert!(VERIFIES_ON > ACCESS_TOKEN.max(REVOCATION) + TimeDelta::minutes(5));
    }
}
