//! The routes of the domain.

mod accounts;
mod body;
mod jwks;
mod login;
mod logout;
mod me;
mod password;
mod problems;
mod refresh;
mod register;
mod revocations;
mod session;
mod sessions;
mod tokens;
mod user;
mod verify;
mod view;

use crate::state::UserState;
use actix_web::web::{Data, ServiceConfig};
use web::At;

pub(crate) fn table() -> Vec<At> {
    vec![
        At::new("/.well-known/jwks.json").get(jwks::jwks, jwks::operation()),
        At::internal("/internal/revocations").get(revocations::revocations, revocations::operation()),
        At::new("/api/v1/auth/register").post(register::register, register::operation()),
        At::new("/api/v1/auth/login").post(login::login, login::operation()),
        At::new("/api/v1/auth/refresh").post(refresh::refresh, refresh::operation()),
        At::new("/api/v1/auth/logout").post(logout::logout, logout::operation()),
        At::new("/api/v1/auth/verify").post(verify::verify, verify::operation()),
        At::new("/api/v1/users")
            .get(accounts::list, accounts::list_operation())
            .post(accounts::create, accounts::create_operation()),
        At::new("/api/v1/users/me")
            .get(me::get, me::get_operation())
            .patch(me::patch, me::patch_operation())
            .delete(me::delete, me::delete_operation()),
        At::new("/api/v1/users/me/password").put(password::put, password::operation()),
        At::new("/api/v1/users/me/sessions").get(sessions::list, sessions::operation()),
        At::new("/api/v1/users/me/sessions/{id}").delete(session::delete, session::operation()),
        At::new("/api/v1/users/{id}")
            .get(user::get, user::get_operation())
            .put(user::put, user::put_operation())
            .patch(user::patch, user::patch_operation())
            .delete(user::delete, user::delete_operation()),
    ]
}

pub(crate) fn routes(config: &mut ServiceConfig, state: &Data<UserState>) {
    config.app_data(state.clone());
    web::register(config, table());
}
