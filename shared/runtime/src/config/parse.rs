//! Text of a setting to the value it means. Rule: what is refused is quoted with its source and told what it must be.

use super::layers::Setting;
use super::places::{BusSetting, RemoteDomain};
use crate::module::Module;
use crate::start_error::StartError;
use crate::telemetry;
use secrecy::SecretString;
use std::net::SocketAddr;
use std::time::Duration;
use web::TrustedProxies;

pub(super) fn required(setting: &Setting) -> Result<String, StartError> {
    setting.given().map(str::to_owned).ok_or_else(|| setting.refuse("must not be empty"))
}

pub(super) fn port(setting: &Setting) -> Result<u16, StartError> {
    setting.text().parse().map_err(|_| setting.refuse("is not a port (0 to 65535)"))
}

/// Without the slash at the end: the issuer of the tokens is compared as text.
pub(super) fn public_url(setting: &Setting) -> Result<Option<String>, StartError> {
    let Some(text) = setting.given() else { return Ok(None) };
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or_default();
    if host.starts_with('/') || host.is_empty() || text.contains([' ', '?', '#', '@', '"', '\\', '<', '>']) {
        return Err(setting.refuse("is not a URL (https://tasks.example.org)"));
    }
    Ok(Some(text.trim_end_matches('/').to_owned()))
}

/// Where to listen; nowhere without one.
pub(super) fn listen_address(setting: &Setting) -> Result<Option<SocketAddr>, StartError> {
    let Some(text) = setting.given() else { return Ok(None) };
    text.parse().map(Some).map_err(|_| setting.refuse("is not an address and a port (127.0.0.1:9100)"))
}

pub(super) fn choice<T: Copy>(setting: &Setting, choices: &[(&str, T)]) -> Result<T, StartError> {
    let found = choices.iter().find(|(name, _)| *name == setting.text()).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        setting.refuse(format!("is not one of {}", names.join(", ")))
    })
}

pub(super) fn duration(setting: &Setting) -> Result<Duration, StartError> {
    humantime::parse_duration(setting.text()).map_err(|_| setting.refuse("is not a duration (3s, 500ms, 1min)"))
}

pub(super) fn log(setting: &Setting) -> Result<String, StartError> {
    let text = required(setting)?;
    telemetry::filter(&text)
        .map_err(|error| setting.refuse(format!("is not a log filter (info, or info,task=debug): {error}")))?;
    Ok(text)
}

/// Which domains are mounted and which are elsewhere; nothing named: all are mounted.
pub(super) fn domains(setting: &Setting, modules: &[Module]) -> Result<(Vec<String>, Vec<RemoteDomain>), StartError> {
    let (mut mounted, mut remote): (Vec<String>, Vec<RemoteDomain>) = (Vec::new(), Vec::new());
    for item in setting.text().split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (name, targets) = match item.split_once('=') {
            Some((name, targets)) => (name.trim(), Some(targets)),
            None => (item, None),
        };
        if !modules.iter().any(|module| module.name() == name) {
            let known: Vec<_> = modules.iter().map(Module::name).collect();
            return Err(setting.refuse(format!("names {name}, which this binary does not hold ({})", known.join(", "))));
        }
        let (here, away) = (mounted.iter().any(|known| known == name), remote.iter().any(|known| known.name == name));
        match targets {
            None if here => {}
            _ if here || away => return Err(setting.refuse(format!("names {name} twice"))),
            None => mounted.push(name.to_owned()),
            Some(targets) => {
                let targets = addresses(setting, targets)?;
                remote.push(RemoteDomain { name: name.to_owned(), targets });
            }
        }
    }
    Ok((mounted, remote))
}

/// Addresses of one service, with `|` between them.
pub(super) fn addresses(setting: &Setting, text: &str) -> Result<Vec<String>, StartError> {
    text.split('|').map(|address| service_url(setting, address.trim())).collect()
}

/// Scheme, host and port: what is asked for there is the path that a client asked for.
fn service_url(setting: &Setting, text: &str) -> Result<String, StartError> {
    let refused =
        || setting.refuse("must give each service as http://host:port, several of one service with | between");
    let url = reqwest::Url::parse(text).map_err(|_| refused())?;
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.path() == "/";
    match url.scheme() {
        "http" | "https" if bare && url.fragment().is_none() => Ok(url.as_str().trim_end_matches('/').to_owned()),
        _ => Err(refused()),
    }
}

/// The URL of a PostgreSQL database, which is not quoted when it is refused.
pub(super) fn database(setting: &Setting) -> Result<Option<SecretString>, StartError> {
    let Some(text) = setting.given() else { return Ok(None) };
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(Some(SecretString::from(text)));
    }
    Err(setting.refuse(
        "is not a PostgreSQL URL (postgres://user:password@host:5432/database); without one, SQLite files in the data \
         directory are used",
    ))
}

/// What carries the events; the URL of a broker is not quoted when it is refused.
pub(super) fn bus(setting: &Setting) -> Result<BusSetting, StartError> {
    match setting.text() {
        "in-process" => Ok(BusSetting::InProcess),
        url if url.starts_with("amqp://") || url.starts_with("amqps://") => {
            Ok(BusSetting::RabbitMq(SecretString::from(url)))
        }
        _ => {
            Err(setting.refuse("is neither in-process nor the URL of a broker (amqp://user:password@host:5672/vhost)"))
        }
    }
}

pub(super) fn internal_token(setting: &Setting) -> Result<Option<SecretString>, StartError> {
    match setting.given() {
        Some(text) if text.len() < 32 || !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(setting.refuse("must have 32 or more visible ASCII characters: make one with `openssl rand -hex 32`"))
        }
        given => Ok(given.map(SecretString::from)),
    }
}

pub(super) fn trusted_proxies(setting: &Setting) -> Result<TrustedProxies, StartError> {
    TrustedProxies::parse(setting.text()).map_err(|item| {
        setting.refuse(format!("names {item}, which is neither an address nor a network (10.0.0.7, 10.0.0.0/8)"))
    })
}
