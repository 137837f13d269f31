//! What can be done to accounts and sessions: one use-case a file.

mod change_password;
mod check_password;
mod create_user;
mod delete_user;
mod edit_user;
mod end_session;
mod ensure_signing_key;
#[cfg(test)]
mod fixture;
mod hash_new_password;
mod make_first_admin;
mod open_session;
mod publish_next_key;
mod refresh_session;
mod replace_keys;
mod sign_in;
mod sign_out;
mod sweep;
mod turn_keys;

pub(crate) use change_password::{ChangePassword, ChangePasswordError, change_password};
pub(crate) use check_password::{CheckPasswordError, check_password};
pub(crate) use create_user::{CreateUserError, create_user};
pub(crate) use delete_user::{DeleteUser, DeleteUserError, delete_user};
pub(crate) use edit_user::{EditUser, EditUserError, edit_user};
pub(crate) use end_session::{EndSession, EndSessionError, end_session};
pub(crate) use ensure_signing_key::ensure_signing_key;
pub(crate) use hash_new_password::{HashNewPasswordError, hash_new_password};
pub(crate) use make_first_admin::{FirstAdminError, make_first_admin};
pub(crate) use open_session::{OpenSession, OpenSessionError, SignedIn, open_session};
pub(crate) use publish_next_key::publish_next_key;
pub(crate) use refresh_session::{RefreshSession, Refreshed, refresh_session};
pub(crate) use replace_keys::replace_keys;
pub(crate) use sign_in::{SignIn, SignInError, sign_in};
pub(crate) use sign_out::{SignOut, sign_out};
pub(crate) use sweep::sweep;
pub(crate) use turn_keys::{Turned, turn_keys};
