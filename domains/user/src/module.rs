//! Wiring: what the user domain brings into a process.

use crate::app::sweep;
use crate::attempts::Attempts;
use crate::crypto::{Passwords, derive};
use crate::internal::Internal;
use crate::key_source::OwnTables;
use crate::snapshots::snapshots;
use crate::state::UserState;
use crate::{create_admin, first_start, http, manage_keys};
use actix_web::web::{Data, ServiceConfig};
use futures_util::future::BoxFuture;
use runtime::{Deps, Job, Module, Mounted, StartError};
use std::sync::Arc;
use std::time::Duration;

/// The user domain: accounts, sign-in, sessions and the keys that everybody's access tokens are verified with.
#[must_use]
pub fn module() -> Module {
    Module::new("user")
        .prefixes(&["/api/v1/auth", "/api/v1/users", "/.well-known/jwks.json"])
        .described_by(http::table)
        .port(8001)
        .brings_keys()
        .command(create_admin::command())
        .command(manage_keys::command())
        .migrations::<migration_user::Migrator>()
        .mount(|deps| -> BoxFuture<'static, Result<Mounted, StartError>> { Box::pin(mount(deps)) })
}

async fn mount(deps: Deps) -> Result<Mounted, StartError> {
    let secret = deps.config.secret("keys")?;
    let issuer = Arc::new(first_start::issuer(&deps, &secret).await?);
    let passwords =
        Passwords::start().await.map_err(|error| StartError::new(format!("cannot hash passwords: {error}")))?;
    let notice = first_start::admin(&deps, &passwords).await?;
    let request_secret =
        derive(&secret, "requests with a password").map_err(|error| StartError::new(error.to_string()))?;
    let keys = Arc::new(OwnTables::new(deps.db.clone(), Arc::clone(&issuer)));
    let turning = Arc::clone(&keys);
    let attempts = Arc::new(Attempts::new(deps.config.login_limit, deps.config.register_limit));
    let sweeping = Arc::clone(&attempts);
    let state = Data::new(UserState {
        db: deps.db.clone(),
        passwords,
        attempts,
        issuer,
        keys: Arc::clone(&keys),
        request_secret: *request_secret,
        registration_open: deps.config.registration_open,
        internal: Internal::new(deps.config.internal_token.as_ref(), deps.stopping.clone()),
    });
    let mounted = Mounted::new()
        .routes(move |config: &mut ServiceConfig| http::routes(config, &state))
        .key_source(keys)
        .snapshots(snapshots())
        .job(Job::every(Duration::from_secs(60), "turn signing keys", move |_| {
            let keys = Arc::clone(&turning);
            Box::pin(async move { keys.turn().await.map_err(|error| error.to_string()) })
        }))
        .job(Job::every(Duration::from_secs(60 * 60), "sweep sessions", |db| {
            Box::pin(async move { sweep(&db).await.map_err(|error| error.to_string()) })
        }))
        .job(Job::every(Duration::from_secs(60), "forget old attempts", move |_| {
            let attempts = Arc::clone(&sweeping);
            Box::pin(async move {
                attempts.sweep();
                Ok(())
            })
        }));
    Ok(match notice {
        Some(line) => mounted.notice(line),
        None => mounted,
    })
}
