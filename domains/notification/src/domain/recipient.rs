//! Whom a notification may be for. Rule: what is known of a user comes from the user's events; once the user is gone,
//! only that fact stays.

use contracts::UserId;
use contracts::user::v1::{UserCreated, UserSnapshot, UserUpdated};

/// What a recipient's row keeps of a living user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) user: UserId,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) display_name: Option<String>,
    pub(crate) timezone: String,
    pub(crate) is_active: bool,
}

/// What is known of somebody as a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No event of that user was heard so far.
    Unknown,
    /// A user.
    Known,
    /// Was a user.
    Gone,
}

impl Profile {
    /// How the user wishes to be called.
    pub(crate) fn name(&self) -> &str {
        self.display_name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&self.username)
    }
}

impl From<&UserCreated> for Profile {
    fn from(event: &UserCreated) -> Self {
        Self {
            user: event.user_id,
            username: event.username.clone(),
            email: event.email.clone(),
            display_name: event.display_name.clone(),
            timezone: event.timezone.clone(),
            is_active: event.is_active,
        }
    }
}

impl From<&UserUpdated> for Profile {
    fn from(event: &UserUpdated) -> Self {
        Self {
            user: event.user_id,
            username: event.username.clone(),
            email: event.email.clone(),
            display_name: event.display_name.clone(),
            timezone: event.timezone.clone(),
            is_active: event.is_active,
        }
    }
}

impl From<&UserSnapshot> for Profile {
    fn from(event: &UserSnapshot) -> Self {
        Self {
            user: event.user_id,
            username: event.username.clone(),
            email: event.email.clone(),
            display_name: event.display_name.clone(),
            timezone: event.timezone.clone(),
            is_active: event.is_active,
        }
    }
}
