//! Bodies that more than one endpoint takes. Rule: a field that is not listed is refused, so nobody can write what is
//! not theirs by guessing its name.

use crate::domain::{DisplayName, Edit, Email, NewUser, Password, Timezone, Username};
use contracts::user::Role;
use schemars::{JsonSchema, json_schema};
use secrecy::SecretString;
use serde::Deserialize;
use web::openapi::TEXT;
use web::{FieldErrors, Patch, Problem, ProblemCode};

/// What is compared and not kept, so that nothing but its being a text can be wrong with it.
pub(super) struct AnyText;

web::schemas! {
    AnyText => json_schema!({ "type": "string", "pattern": TEXT });
}

/// What a new account needs, before it is checked.
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) email: String,
    pub(super) password: SecretString,
    pub(super) display_name: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) role: Role,
}

impl Credentials {
    /// The account and its password, which has yet to be hashed.
    pub(super) fn check(self) -> Result<(NewUser, Password), Problem> {
        let mut errors = FieldErrors::new();
        let password = Password::parse(self.password, &[&self.username, &self.email]);
        let username = errors.check("/username", Username::parse(&self.username));
        let email = errors.check("/email", Email::parse(&self.email));
        let password = errors.check("/password", password);
        let display_name = errors.check_optional("/display_name", self.display_name, |raw| DisplayName::parse(&raw));
        let timezone =
            errors.check_optional("/timezone", self.timezone, |raw| Timezone::parse(&raw)).unwrap_or_default();
        match (username, email, password) {
            (Some(username), Some(email), Some(password)) if errors.is_empty() => {
                let password_hash = String::new();
                Ok((NewUser { username, email, display_name, timezone, role: self.role, password_hash }, password))
            }
            _ => Err(errors.into_problem()),
        }
    }
}

/// A merge patch of the own profile.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PatchProfile")]
pub(super) struct ProfilePatch {
    #[serde(default)]
    #[schemars(with = "Patch<DisplayName>")]
    display_name: Patch<String>,
    #[serde(default)]
    #[schemars(with = "Timezone")]
    timezone: Patch<String>,
}

impl ProfilePatch {
    pub(super) fn check(self) -> Result<Edit, Problem> {
        let mut errors = FieldErrors::new();
        let edit = self.collect(&mut errors);
        errors.finish().map(|()| edit)
    }

    fn collect(self, errors: &mut FieldErrors) -> Edit {
        Edit {
            display_name: errors
                .check_patch("/display_name", self.display_name, |raw| DisplayName::parse(&raw))
                .into_nested(),
            timezone: errors.check_patch_required("/timezone", self.timezone, |raw| Timezone::parse(&raw)),
            ..Edit::default()
        }
    }
}

/// A merge patch of an account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PatchUser")]
pub(super) struct UserPatch {
    #[serde(default)]
    #[schemars(with = "Patch<DisplayName>")]
    display_name: Patch<String>,
    #[serde(default)]
    #[schemars(with = "Timezone")]
    timezone: Patch<String>,
    /// For administrators to write.
    #[serde(default)]
    #[schemars(with = "Role")]
    role: Patch<Role>,
    /// For administrators to write.
    #[serde(default)]
    #[schemars(with = "bool")]
    is_active: Patch<bool>,
}

impl UserPatch {
    pub(super) fn check(self, by_admin: bool) -> Result<Edit, Problem> {
        let is_for_admins = !self.role.is_absent() || !self.is_active.is_absent();
        if is_for_admins && !by_admin {
            return Err(for_admins());
        }
        let mut errors = FieldErrors::new();
        let profile = ProfilePatch { display_name: self.display_name, timezone: self.timezone }.collect(&mut errors);
        let edit = Edit {
            role: present("/role", self.role, &mut errors),
            is_active: present("/is_active", self.is_active, &mut errors),
            ..profile
        };
        errors.finish().map(|()| edit)
    }
}

/// All writable fields of an account. What is left out gets the value that a new account has; role and activation,
/// which only administrators write, stay.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReplaceUser")]
pub(super) struct UserReplacement {
    #[schemars(with = "Option<DisplayName>")]
    display_name: Option<String>,
    #[schemars(with = "Option<Timezone>")]
    timezone: Option<String>,
    /// For administrators to write.
    role: Option<Role>,
    /// For administrators to write.
    is_active: Option<bool>,
}

impl UserReplacement {
    pub(super) fn check(self, by_admin: bool) -> Result<Edit, Problem> {
        if !by_admin && (self.role.is_some() || self.is_active.is_some()) {
            return Err(for_admins());
        }
        let mut errors = FieldErrors::new();
        let display_name = errors.check_optional("/display_name", self.display_name, |raw| DisplayName::parse(&raw));
        let timezone =
            errors.check_optional("/timezone", self.timezone, |raw| Timezone::parse(&raw)).unwrap_or_default();
        let edit = Edit {
            display_name: Some(display_name),
            timezone: Some(timezone),
            role: self.role,
            is_active: self.is_active,
        };
        errors.finish().map(|()| edit)
    }
}

fn present<T>(pointer: &str, patch: Patch<T>, errors: &mut FieldErrors) -> Option<T> {
    if matches!(patch, Patch::Null) {
        errors.add(pointer, "required", "must not be null");
    }
    patch.into_value()
}

fn for_admins() -> Problem {
    Problem::new(ProblemCode::InsufficientScope).detail("only an administrator may write role and is_active")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patch(body: serde_json::Value, by_admin: bool) -> Result<Edit, ProblemCode> {
        serde_json::from_value::<UserPatch>(body).unwrap().check(by_admin).map_err(|problem| problem.code())
    }

    fn replace(body: serde_json::Value, by_admin: bool) -> Result<Edit, ProblemCode> {
        serde_json::from_value::<UserReplacement>(body).unwrap().check(by_admin).map_err(|problem| problem.code())
    }

    #[test]
    fn a_patch_sets_what_it_names_alone() {
        let edit = patch(json!({"display_name": null, "role": "admin"}), true).unwrap();
        assert_eq!(
            (edit.display_name, edit.timezone, edit.role, edit.is_active),
            (Some(None), None, Some(Role::Admin), None)
        );
    }

    #[test]
    fn a_replacement_sets_every_field() {
        let edit = replace(json!({"role": "user", "is_active": true}), true).unwrap();
        assert_eq!((edit.display_name, edit.timezone), (Some(None), Some(Timezone::default())));
        assert_eq!((edit.role, edit.is_active), (Some(Role::User), Some(true)));
        let edit = replace(json!({"display_name": "Anna", "timezone": "Europe/Berlin"}), false).unwrap();
        assert_eq!((edit.role, edit.is_active), (None, None));
        let edit = replace(json!({}), true).unwrap();
        assert_eq!((edit.display_name, edit.role, edit.is_active), (Some(None), None, None));
    }

    #[test]
    fn only_administrators_write_roles_and_activation() {
        for body in [json!({"role": "admin"}), json!({"is_active": true}), json!({"role": null})] {
            assert_eq!(patch(body, false).unwrap_err(), ProblemCode::InsufficientScope);
        }
        assert_eq!(replace(json!({"role": "user"}), false).unwrap_err(), ProblemCode::InsufficientScope);
    }

    #[test]
    fn what_must_have_a_value_cannot_be_taken_away() {
        for body in [json!({"role": null}), json!({"is_active": null}), json!({"timezone": null})] {
            assert_eq!(patch(body, true).unwrap_err(), ProblemCode::ValidationFailed);
        }
    }

    #[test]
    fn every_invalid_field_of_a_new_account_is_told_at_once() {
        let credentials = Credentials {
            username: "A".to_owned(),
            email: "a@localhost".to_owned(),
            password: SecretString::from("short"),
            display_name: Some("a\nb".to_owned()),
            timezone: Some("Mars".to_owned()),
            role: Role::User,
        };
        let Err(problem) = credentials.check() else { panic!("it must be refused") };
        let pointers: Vec<_> = problem.errors().iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/username", "/email", "/password", "/display_name", "/timezone"]);
    }
}
