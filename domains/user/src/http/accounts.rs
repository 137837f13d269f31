//! `/api/v1/users`: all accounts, for administrators.

use super::body::Credentials;
use super::register::created;
use super::view::{self, UserView};
use crate::app::{create_user, hash_new_password};
use crate::domain::{DisplayName, Email, Password, Username};
use crate::state::UserState;
use crate::store::users::{self, Filters};
use actix_web::HttpResponse;
use actix_web::web::Data;
use contracts::user::Role;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Admin, Body, Call, Command, NoParams, Page, Params, Problem, ProblemCode, SortedListing};

/// A new account, made by an administrator.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateUser")]
pub(super) struct NewAccount {
    #[schemars(with = "Username")]
    username: String,
    #[schemars(with = "Email")]
    email: String,
    #[schemars(with = "Password")]
    password: SecretString,
    role: Option<Role>,
    #[schemars(with = "Option<DisplayName>")]
    display_name: Option<String>,
}

/// For the document.
pub(super) fn list_operation() -> Operation {
    Operation::new("listUsers", "All accounts")
        .tag("users")
        .admin()
        .sorted_list::<Filters>(users::sorts())
        .page::<UserView>(|| json!({ "items": [view::example()], "next_cursor": null }))
}

pub(super) async fn list(
    state: Data<UserState>,
    _: Admin,
    SortedListing { filters, paging }: SortedListing<Filters>,
) -> Result<HttpResponse, Problem> {
    let Page { items, next_cursor } = users::page(state.db.reader(), &filters, &paging).await?;
    web::list(&Page { items: items.iter().map(UserView::from).collect(), next_cursor })
}

/// For the document.
pub(super) fn create_operation() -> Operation {
    Operation::new("createUser", "Makes an account for somebody")
        .tag("users")
        .admin()
        .body::<NewAccount>(|| {
            json!({ "username": "ben", "email": "ben@example.org", "password": "battery horse correct", "role": "user" })
        })
        .keyed()
        .created::<UserView>(view::example)
        .problems(&[ProblemCode::UsernameTaken, ProblemCode::EmailTaken])
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
