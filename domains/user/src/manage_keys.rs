//! `keys list` and `keys rotate`: the signing keys, for operators. Rule: beside a running system, which finds in its tables
//! what was done; nothing secret is printed.

use crate::app::{publish_next_key, replace_keys};
use crate::crypto::{FreshKey, KeyRing};
use crate::domain::KeyLife;
use crate::first_start::sealer;
use crate::store::signing_keys;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Arg, ArgAction, ArgMatches};
use db::Context;
use runtime::{Command, Deps, StartError};
use std::error::Error;

/// The subcommand.
pub(crate) fn command() -> Command {
    let now = Arg::new("now").long("now").action(ArgAction::SetTrue).help(
        "After a leak: throws every key away and signs with a new one at once. All access tokens die within 2 s; \
         clients refresh them",
    );
    let list = clap::Command::new("list").about("Lists the keys: state, since when, and until when");
    let rotate = clap::Command::new("rotate")
        .about("Publishes the next key, which signs 15 minutes later; nobody is refused")
        .arg(now);
    let keys = clap::Command::new("keys")
        .about("What access tokens are signed with; also beside a running system")
        .subcommand_required(true)
        .subcommands([list, rotate]);
    Command::new(keys, |deps, matches| Box::pin(async move { manage_keys(deps, &matches).await })).beside()
}

async fn manage_keys(deps: Deps, matches: &ArgMatches) -> Result<String, StartError> {
    match matches.subcommand() {
        Some(("rotate", asked)) if asked.get_flag("now") => replace(&deps).await,
        Some(("rotate", _)) => publish(&deps).await,
        _ => list(&deps).await,
    }
}

async fn list(deps: &Deps) -> Result<String, StartError> {
    let stored = signing_keys::all(deps.db.reader()).await.map_err(|error| failed("read", &error))?;
    if stored.is_empty() {
        return Ok("there is no signing key: the first start makes one".to_owned());
    }
    let mut lines: Vec<String> = stored.iter().map(|key| line(&key.life)).collect();
    let sealer = sealer(&deps.config.secret("keys")?)?;
    if let Err(error) = KeyRing::open(&stored, &sealer) {
        lines.push(format!("these keys cannot be used: {error}"));
    }
    Ok(lines.join("\n"))
}

/// `active   0yPQ… since 2026-01-01T00:00:00Z until 2026-01-31T00:00:00Z`.
fn line(key: &KeyLife) -> String {
    format!("{:<8} {} since {} until {}", key.state, key.kid, instant(key.since), instant(key.until()))
}

async fn publish(deps: &Deps) -> Result<String, StartError> {
    let next = deps.db.write(&Context::default(), &fresh(deps)?, publish_next_key).await;
    let next = next.map_err(|error| failed("publish", &error))?;
    Ok(format!(
        "key {} is published and signs from {}; the present one is good for verifying for an hour after that",
        next.kid,
        instant(next.until())
    ))
}

async fn replace(deps: &Deps) -> Result<String, StartError> {
    let fresh = fresh(deps)?;
    let gone = deps.db.write(&Context::default(), &fresh, replace_keys).await;
    let gone = gone.map_err(|error| failed("replace", &error))?;
    Ok(format!(
        "key {} signs from now on; thrown away: {gone}. Access tokens from before are refused within 2 s, refresh tokens \
         are good",
        fresh.kid
    ))
}

fn fresh(deps: &Deps) -> Result<FreshKey, StartError> {
    FreshKey::generate(&sealer(&deps.config.secret("keys")?)?).map_err(|error| failed("make", &error))
}

fn failed(what: &str, error: &dyn Error) -> StartError {
    StartError::new(format!("cannot {what} signing keys: {error}"))
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
