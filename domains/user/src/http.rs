//! The routes of the domain.

mod accounts;
mod body;
mod jwks;
mod login;
mod logout;
mod me;
mod problems;
mod refresh;
mod register;
mod revocations;
mod tokens;
mod user;
mod verify;
mod view;

use crate::state::UserState;
use actix_web::web::{Data, ServiceConfig};
use web::At;

pub(crate) fn routes(config: &mut ServiceConfig, state: &Data<UserState>) {
    config
        .app_data(state.clone())
        .service(At::new("/.well-known/jwks.json").get(jwks::jwks))
        .service(revocations::service())
        .service(At::new("/api/v1/auth/register").post(register::register))
        .service(At::new("/api/v1/auth/login").post(login::login))
        .service(At::new("/api/v1/auth/refresh").post(refresh::refresh))
        .service(At::new("/api/v1/auth/logout").post(logout::logout))
        .service(At::new("/api/v1/auth/verify").post(verify::verify))
        .service(At::new("/api/v1/users").get(accounts::list).post(accounts::create))
        .service(At::new("/api/v1/users/me").get(me::get).patch(me::patch).delete(me::delete))
        .service(At::new("/api/v1/users/{id}").get(user::get).put(user::put).patch(user::patch).delete(user::delete));
}

/// The same, for people.
pub(crate) const ENDPOINTS: &[runtime::Endpoint] = &[
    ("POST", "/api/v1/auth/register", "make an account"),
    ("POST", "/api/v1/auth/login", "sign in with username or e-mail address"),
    ("POST", "/api/v1/auth/refresh", "change a refresh token for new tokens"),
    ("POST", "/api/v1/auth/logout", "end this session, with ?all=true every session"),
    ("POST", "/api/v1/auth/verify", "what an access token says, if it is valid"),
    ("GET", "/.well-known/jwks.json", "public keys of the access tokens"),
    ("GET", "/api/v1/users/me", "the own account; also PATCH and DELETE"),
    ("GET", "/api/v1/users", "all accounts, for administrators; also POST"),
    ("GET", "/api/v1/users/{id}", "an account; also PUT, PATCH and DELETE"),
];
