//! An account as clients see it. Rule: everybody sees the name, only the user and administrators see the rest, and
//! nobody sees a hash.

use crate::domain::User;
use chrono::{DateTime, Utc};
use contracts::UserId;
use contracts::user::Role;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// An account, as its user and administrators see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "User")]
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
    /// Raised by every change; the ETag says it too.
    #[schemars(range(min = 1))]
    version: i64,
}

/// An account, as everybody sees it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PublicUser")]
pub(super) struct PublicUserView {
    id: UserId,
    username: String,
    display_name: Option<String>,
}

/// What `GET /users/{id}` answers: more to the user and to administrators than to others.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
#[expect(dead_code, reason = "says what either answer looks like")]
pub(super) enum SomeUserView {
    Full(UserView),
    Public(PublicUserView),
}

/// For the document.
pub(super) fn example() -> Value {
    json!({
        "id": "019b76da-a800-7172-980b-52245ebc6f81",
        "username": "anna",
        "email": "anna@example.org",
        "display_name": null,
        "role": "user",
        "is_active": true,
        "email_verified": false,
        "timezone": "UTC",
        "created_at": "2026-01-01T00:00:00.000041Z",
        "updated_at": "2026-01-01T00:00:00.000041Z",
        "version": 1,
    })
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
