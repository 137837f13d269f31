//! An account. Rule: whoever changes it raises `version`; whoever ends its access tokens raises `token_epoch`.

use super::{DisplayName, Email, Timezone, Username};
use chrono::{DateTime, Utc};
use contracts::user::{Role, v1};
use contracts::{Stream, UserId};

/// An account as it is stored. It does not print its password hash.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) username: Username,
    pub(crate) email: Email,
    pub(crate) display_name: Option<DisplayName>,
    pub(crate) timezone: Timezone,
    pub(crate) role: Role,
    pub(crate) is_active: bool,
    pub(crate) email_verified: bool,
    pub(crate) password_hash: String,
    pub(crate) token_epoch: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) version: i64,
    pub(crate) stream: Stream,
}

/// What an account starts from.
#[derive(Clone)]
pub(crate) struct NewUser {
    pub(crate) username: Username,
    pub(crate) email: Email,
    pub(crate) display_name: Option<DisplayName>,
    pub(crate) timezone: Timezone,
    pub(crate) role: Role,
    pub(crate) password_hash: String,
}

impl User {
    pub(crate) fn new(id: UserId, new: NewUser, now: DateTime<Utc>) -> Self {
        Self {
            id,
            username: new.username,
            email: new.email,
            display_name: new.display_name,
            timezone: new.timezone,
            role: new.role,
            is_active: true,
            email_verified: false,
            password_hash: new.password_hash,
            token_epoch: 1,
            created_at: now,
            updated_at: now,
            version: 1,
            stream: Stream::new("user", id.uuid()),
        }
    }

    /// An administrator who can sign in; one must always be left.
    pub(crate) fn is_working_admin(&self) -> bool {
        self.role == Role::Admin && self.is_active
    }

    /// What a search looks through. Lowered here, because the databases disagree on letters outside ASCII.
    pub(crate) fn search_text(&self) -> String {
        let name = self.display_name.as_ref().map_or("", DisplayName::as_str);
        format!("{}\n{}\n{}", self.username, self.email.as_str(), name).to_lowercase()
    }

    pub(crate) fn created(&self) -> v1::UserCreated {
        v1::UserCreated {
            user_id: self.id,
            username: self.username.as_str().to_owned(),
            email: self.email.as_str().to_owned(),
            display_name: self.display_name.as_ref().map(|name| name.as_str().to_owned()),
            timezone: self.timezone.as_str().to_owned(),
            role: self.role,
            is_active: self.is_active,
        }
    }

    pub(crate) fn snapshot(&self) -> v1::UserSnapshot {
        let v1::UserCreated { user_id, username, email, display_name, timezone, role, is_active } = self.created();
        v1::UserSnapshot { user_id, username, email, display_name, timezone, role, is_active }
    }

    pub(crate) fn updated(&self, changes: Vec<contracts::Change>) -> v1::UserUpdated {
        let v1::UserCreated { user_id, username, email, display_name, timezone, role, is_active } = self.created();
        v1::UserUpdated { user_id, username, email, display_name, timezone, role, is_active, changes }
    }
}
