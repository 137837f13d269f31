//! Changing an account. Rule: nothing changed means no new version and no event; who loses a right or an account
//! loses the access tokens that carry it.

use super::{DisplayName, Timezone, User};
use chrono::{DateTime, Utc};
use contracts::Change;
use contracts::user::Role;
use serde_json::json;

/// The fields to set; an absent one stays.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edit {
    pub(crate) display_name: Option<Option<DisplayName>>,
    pub(crate) timezone: Option<Timezone>,
    pub(crate) role: Option<Role>,
    pub(crate) is_active: Option<bool>,
}

/// What an edit did.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Edited {
    /// The fields that differ now.
    pub(crate) changes: Vec<Change>,
    /// The role changed or the account was disabled: older access tokens say what is no longer true.
    pub(crate) epoch_raised: bool,
    /// The account was disabled: its sessions end.
    pub(crate) disabled: bool,
}

impl User {
    pub(crate) fn edit(&mut self, edit: &Edit, now: DateTime<Utc>) -> Edited {
        let before = (self.role, self.is_active);
        let mut changes = Vec::new();
        if let Some(name) = &edit.display_name {
            let text = |name: &Option<DisplayName>| json!(name.as_ref().map(DisplayName::as_str));
            note(&mut changes, "display_name", text(&self.display_name), text(name));
            self.display_name.clone_from(name);
        }
        if let Some(timezone) = &edit.timezone {
            note(&mut changes, "timezone", json!(self.timezone.as_str()), json!(timezone.as_str()));
            self.timezone.clone_from(timezone);
        }
        if let Some(role) = edit.role {
            note(&mut changes, "role", json!(self.role), json!(role));
            self.role = role;
        }
        if let Some(is_active) = edit.is_active {
            note(&mut changes, "is_active", json!(self.is_active), json!(is_active));
            self.is_active = is_active;
        }
        if !changes.is_empty() {
            self.version += 1;
            self.updated_at = now;
        }
        let disabled = before.1 && !self.is_active;
        let epoch_raised = disabled || before.0 != self.role;
        if epoch_raised {
            self.token_epoch += 1;
        }
        Edited { changes, epoch_raised, disabled }
    }
}

fn note(changes: &mut Vec<Change>, field: &str, from: serde_json::Value, to: serde_json::Value) {
    if from != to {
        changes.push(Change { field: field.to_owned(), from, to });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Email, NewUser, Username};
    use chrono::TimeDelta;
    use contracts::UserId;
    use uuid::Uuid;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn anna() -> User {
        let new = NewUser {
            username: Username::parse("anna").unwrap(),
            email: Email::parse("Anna@x.org").unwrap(),
            display_name: None,
            timezone: Timezone::default(),
            role: Role::User,
            password_hash: String::new(),
        };
        User::new(UserId(Uuid::nil()), new, at(0))
    }

    #[test]
    fn each_changed_field_is_told_with_both_values() {
        let mut user = anna();
        let edit = Edit {
            display_name: Some(Some(DisplayName::parse("Anna B").unwrap())),
            timezone: Some(Timezone::parse("Europe/Berlin").unwrap()),
            ..Edit::default()
        };
        let edited = user.edit(&edit, at(5));
        let told: Vec<_> = edited.changes.iter().map(|c| (c.field.as_str(), c.from.clone(), c.to.clone())).collect();
        assert_eq!(
            told,
            [("display_name", json!(null), json!("Anna B")), ("timezone", json!("UTC"), json!("Europe/Berlin"))]
        );
        assert_eq!((user.version, user.updated_at, user.token_epoch), (2, at(5), 1));
        assert!(!edited.epoch_raised && !edited.disabled);
    }

    #[test]
    fn an_edit_to_the_same_values_changes_nothing() {
        let mut user = anna();
        let edit = Edit {
            display_name: Some(None),
            timezone: Some(Timezone::default()),
            role: Some(Role::User),
            is_active: Some(true),
        };
        assert_eq!(user.edit(&edit, at(5)), Edited::default());
        assert_eq!((user.version, user.updated_at, user.token_epoch), (1, at(0), 1));
    }

    #[test]
    fn a_new_role_and_a_disabled_account_raise_the_epoch_once() {
        let mut user = anna();
        let edited = user.edit(&Edit { role: Some(Role::Admin), is_active: Some(false), ..Edit::default() }, at(1));
        assert!(edited.epoch_raised && edited.disabled);
        assert_eq!((user.token_epoch, user.version), (2, 2));
        assert!(!user.is_working_admin());

        let edited = user.edit(&Edit { is_active: Some(true), ..Edit::default() }, at(2));
        assert!(!edited.epoch_raised && !edited.disabled);
        assert_eq!((user.token_epoch, user.version), (2, 3));
        assert!(user.is_working_admin());
    }

    #[test]
    fn the_search_text_is_lower_case_in_every_script() {
        let mut user = anna();
        user.display_name = Some(DisplayName::parse("ÄRGER Straße").unwrap());
        assert_eq!(user.search_text(), "anna\nanna@x.org\närger straße");
    }
}
