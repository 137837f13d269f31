//! The rules of accounts and passwords, pure: no database, no HTTP, no clock.

mod display_name;
mod edit;
mod email;
mod key_life;
mod lifetimes;
mod password;
mod timezone;
mod user;
mod username;

pub(crate) use display_name::DisplayName;
pub(crate) use edit::Edit;
pub(crate) use email::Email;
pub(crate) use key_life::{KeyLife, KeyState, KeyTurn, due};
pub(crate) use lifetimes::{ACCESS_TOKEN, REFRESH_ABSOLUTE, REFRESH_GRACE, REFRESH_IDLE, REVOCATION};
pub(crate) use password::{Password, is_plausible};
pub(crate) use timezone::Timezone;
pub(crate) use user::{NewUser, User};
pub(crate) use username::Username;
