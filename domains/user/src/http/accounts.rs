//! `/api/v1/users`: all accounts, for administrators.

use super::body::Credentials;
use super::register::created;
use super::view::UserView;
use crate::app::{create_user, hash_new_password};
use crate::state::UserState;
use crate::store::users::{self, Filters};
use actix_web::HttpResponse;
use actix_web::web::Data;
use contracts::user::Role;
use secrecy::SecretString;
use serde::Deserialize;
use web::{Admin, Body, Call, Command, Listing, NoParams, Page, Params, Problem};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccount {
    username: String,
    email: String,
    password: SecretString,
    role: Option<Role>,
    display_name: Option<String>,
}

pub(super) async fn list(
    state: Data<UserState>,
    _: Admin,
    Listing { filters, paging }: Listing<Filters>,
) -> Result<HttpResponse, Problem> {
    let Page { items, next_cursor } = users::page(state.db.reader(), &filters, &paging).await?;
    web::list(&Page { items: items.iter().map(UserView::from).collect(), next_cursor })
}

pub(super) async fn create(
    state: Data<UserState>,
    _: Admin,
    call: Call,
    _: Params<NoParams>,
    Body(body): Body<NewAccount>,
) -> Result<HttpResponse, Problem> {
    let NewAccount { username, email, password, role, display_name } = body;
    let role = role.unwrap_or(Role::User);
    let call = call.with_secret(&state.request_secret);
    let (new, password) = Credentials { username, email, password, display_name, timezone: None, role }.check()?;
    let repeated = call.key().is_some();
    let new = hash_new_password(&state.db, &state.passwords, new, &password, repeated).await?;
    web::command(&state.db, &call, &new, create_user, created).await
}
