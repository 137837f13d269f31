//! Events of the user domain, version 1. Aggregate: `user`.

use crate::event::{Change, impl_event};
use crate::ids::{SessionId, UserId};
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

/// The account has another password; the user is told, because it may not have been the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserPasswordChanged {
    /// The user.
    pub user_id: UserId,
    /// The session that changed it, which goes on; all others ended.
    pub session_id: Option<SessionId>,
    /// How it came.
    pub reason: PasswordChange,
}

/// How an account came to another password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PasswordChange {
    /// By somebody who was signed in and knew the old one.
    Changed,
    /// By a link in a mail to the user.
    Reset,
}

/// A sign-in was ended because somebody else may have had it; the user is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserAccessRevoked {
    /// The user.
    pub user_id: UserId,
    /// The session that ended.
    pub session_id: Option<SessionId>,
    /// What gave it away.
    pub reason: AccessRevocation,
}

/// Why a sign-in was ended that nobody asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AccessRevocation {
    /// A refresh token was shown again after its successor had been given out: two have it.
    RefreshReused,
}

impl_event!("user" / "user":
    UserCreated => "created",
    UserUpdated => "updated",
    UserDeleted => "deleted",
    UserSnapshot => "snapshot",
    UserPasswordChanged => "password_changed",
    UserAccessRevoked => "access_revoked",
);
