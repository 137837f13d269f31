//! What is due. Rule: "at once" is the beginning of time and not the present, and a wait longer than the longest backoff
//! was written by a clock that has stepped back since; so such a step delays nothing.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, Condition};
use std::time::Duration;

/// The `next_attempt_at` of what needs not wait.
pub(crate) const AT_ONCE: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// Rows whose `column` says that they are due, with waits of at most `longest`.
pub(crate) fn due(column: impl ColumnTrait, now: DateTime<Utc>, longest: Duration) -> Condition {
    let beyond = now + TimeDelta::from_std(longest).unwrap_or(TimeDelta::MAX);
    Condition::any().add(column.lte(now)).add(column.gt(beyond))
}
