//! Rows in and out: functions over a transaction or a reader. Rule: entities stay in here.

mod entity;
pub(crate) mod refresh_tokens;
pub(crate) mod revocations;
pub(crate) mod sessions;
pub(crate) mod signing_keys;
pub(crate) mod users;
