//! `users create-admin`: an administrator by command, where nobody could read a password that a start made. Rule: the
//! password is given or typed, never made and never printed.

use crate::app::{CreateUserError, create_user};
use crate::crypto::Passwords;
use crate::domain::{Email, NewUser, Password, Timezone, Username};
use clap::{Arg, ArgMatches};
use contracts::user::Role;
use db::Context;
use runtime::{Command, Deps, StartError};
use secrecy::SecretString;
use web::FieldRule;

/// The subcommand.
pub(crate) fn command() -> Command {
    let username = Arg::new("username").long("username").required(true).help("3 to 50 of a-z, 0-9, _, . and -");
    let email = Arg::new("email").long("email").required(true).help("Where the administrator gets mail");
    let create = clap::Command::new("create-admin")
        .about("Makes an administrator; the password is CLEAVE_ADMIN_PASSWORD, or is asked for")
        .args([username, email]);
    let users =
        clap::Command::new("users").about("What concerns accounts").subcommand_required(true).subcommand(create);
    Command::new(users, |deps, matches| Box::pin(async move { create_admin(deps, &matches).await }))
}

async fn create_admin(deps: Deps, matches: &ArgMatches) -> Result<String, StartError> {
    let (_, matches) = matches.subcommand().ok_or_else(|| StartError::new("users needs a command"))?;
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let (username, email) = (text("username"), text("email"));
    let refused = |flag: &str, rule: &dyn FieldRule| StartError::new(format!("--{flag} {}", rule.detail()));
    let (name, address) = (
        Username::parse(&username).map_err(|rule| refused("username", &rule))?,
        Email::parse(&email).map_err(|rule| refused("email", &rule))?,
    );
    let password = password(&deps).await?;
    let password = Password::parse(password, &[&username, &email])
        .map_err(|rule| StartError::new(format!("the password {}: take another one", rule.detail())))?;
    let new = NewUser {
        username: name,
        email: address,
        display_name: None,
        timezone: Timezone::default(),
        role: Role::Admin,
        password_hash: hash(&password).await?,
    };
    match deps.db.write(&Context::default(), &new, create_user).await {
        Ok(user) => Ok(format!("made the administrator {}", user.username)),
        Err(CreateUserError::UsernameTaken) => Err(StartError::new(format!("the username {username} is taken"))),
        Err(CreateUserError::EmailTaken) => Err(StartError::new(format!("the e-mail address {email} is taken"))),
        Err(CreateUserError::Db(error)) => Err(StartError::new(format!("cannot make the administrator: {error}"))),
    }
}

async fn hash(password: &Password) -> Result<String, StartError> {
    let failed = |error| StartError::new(format!("cannot hash the password: {error}"));
    Passwords::start().await.map_err(failed)?.hash(password).await.map_err(failed)
}

/// The given one, else what is typed.
async fn password(deps: &Deps) -> Result<SecretString, StartError> {
    match &deps.config.admin_password {
        Some(given) => Ok(given.clone()),
        None => runtime::typed_password().await,
    }
}
