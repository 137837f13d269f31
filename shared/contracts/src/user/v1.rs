//! Events of the user domain, version 1. Aggregate: `user`.

use crate::event::{Change, impl_event};
use crate::ids::UserId;
use crate::user::Role;
use serde::{Deserialize, Serialize};

/// Somebody registered, or an administrator made an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserCreated {
    /// The new user.
    pub user_id: UserId,
    /// Unique, lower case.
    pub username: String,
    /// Unique, as it was given.
    pub email: String,
    /// How the user wishes to be called.
    pub display_name: Option<String>,
    /// IANA name, `Europe/Berlin`.
    pub timezone: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user may sign in.
    pub is_active: bool,
}

/// A profile, role or activation changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserUpdated {
    /// The user.
    pub user_id: UserId,
    /// As in [`UserCreated`].
    pub username: String,
    /// As in [`UserCreated`].
    pub email: String,
    /// As in [`UserCreated`].
    pub display_name: Option<String>,
    /// As in [`UserCreated`].
    pub timezone: String,
    /// As in [`UserCreated`].
    pub role: Role,
    /// As in [`UserCreated`].
    pub is_active: bool,
    /// What changed.
    pub changes: Vec<Change>,
}

/// How an account is, for whoever was not there for its history. No news: nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserSnapshot {
    /// The user.
    pub user_id: UserId,
    /// As in [`UserCreated`].
    pub username: String,
    /// As in [`UserCreated`].
    pub email: String,
    /// As in [`UserCreated`].
    pub display_name: Option<String>,
    /// As in [`UserCreated`].
    pub timezone: String,
    /// As in [`UserCreated`].
    pub role: Role,
    /// As in [`UserCreated`].
    pub is_active: bool,
}

/// An account is gone; whoever keeps something about it erases it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserDeleted {
    /// The user that was.
    pub user_id: UserId,
}

impl_event!("user" / "user":
    UserCreated => "created",
    UserUpdated => "updated",
    UserDeleted => "deleted",
    UserSnapshot => "snapshot",
);
