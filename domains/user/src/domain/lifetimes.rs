//! How long things live. Rule: a revocation outlives every access token that it refuses.

use chrono::TimeDelta;

/// An access token. Its revocation cannot be taken back earlier, so it is short.
pub(crate) const ACCESS_TOKEN: TimeDelta = TimeDelta::minutes(10);

/// A refresh token that nobody uses.
pub(crate) const REFRESH_IDLE: TimeDelta = TimeDelta::days(14);

/// A session, however often it is refreshed.
pub(crate) const REFRESH_ABSOLUTE: TimeDelta = TimeDelta::days(90);

/// How long a used refresh token is answered with the successor it already got: long enough for a client that lost
/// the reply, too short for a thief.
pub(crate) const REFRESH_GRACE: TimeDelta = TimeDelta::seconds(10);

/// A revocation: the token's life and the leeway of both ends' clocks.
pub(crate) const REVOCATION: TimeDelta = TimeDelta::seconds(10 * 60 + 10);
