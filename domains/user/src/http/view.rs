//! An account as clients see it. Rule: everybody sees the name, only the user and administrators see the rest, and
//! nobody sees a hash.

use crate::domain::User;
use chrono::{DateTime, Utc};
use contracts::UserId;
use contracts::user::Role;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct UserView {
    id: UserId,
    username: String,
    email: String,
    display_name: Option<String>,
    role: Role,
    is_active: bool,
    email_verified: bool,
    timezone: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct PublicUserView {
    id: UserId,
    username: String,
    display_name: Option<String>,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            username: user.username.as_str().to_owned(),
            email: user.email.as_str().to_owned(),
            display_name: display_name(user),
            role: user.role,
            is_active: user.is_active,
            email_verified: user.email_verified,
            timezone: user.timezone.as_str().to_owned(),
            created_at: user.created_at,
            updated_at: user.updated_at,
            version: user.version,
        }
    }
}

impl From<&User> for PublicUserView {
    fn from(user: &User) -> Self {
        Self { id: user.id, username: user.username.as_str().to_owned(), display_name: display_name(user) }
    }
}

fn display_name(user: &User) -> Option<String> {
    user.display_name.as_ref().map(|name| name.as_str().to_owned())
}
