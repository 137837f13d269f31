//! Text of a setting to the value it means. Rule: what is refused is quoted with its source and told what it must be.

use super::layers::Setting;
use crate::module::Module;
use crate::start_error::StartError;
use crate::telemetry;
use std::time::Duration;

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

/// Names of modules that this binary holds; empty for all of them.
pub(super) fn domains(setting: &Setting, modules: &[Module]) -> Result<Vec<String>, StartError> {
    let mut domains: Vec<String> = Vec::new();
    for name in setting.text().split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if name.contains('=') {
            return Err(
                setting.refuse("names a remote domain, which is not available in this version: list local ones")
            );
        }
        if !modules.iter().any(|module| module.name() == name) {
            let known: Vec<_> = modules.iter().map(Module::name).collect();
            return Err(setting.refuse(format!("names {name}, which this binary does not hold ({})", known.join(", "))));
        }
        if !domains.iter().any(|known| known == name) {
            domains.push(name.to_owned());
        }
    }
    Ok(domains)
}

/// Checks the limit and says that it does nothing yet, to an operator who relies on it.
pub(super) fn rate_limit(setting: &Setting) -> Result<Option<String>, StartError> {
    let text = setting.text();
    let limit = text.split_once('/').filter(|(count, window)| {
        count.parse::<u32>().is_ok_and(|count| count > 0)
            && humantime::parse_duration(window).is_ok_and(|window| !window.is_zero())
    });
    if text != "off" && limit.is_none() {
        return Err(setting.refuse("is not a rate limit (100/60s, or off)"));
    }
    Ok(setting.by_operator().then(|| format!("{} is accepted and does nothing in this version", setting.name())))
}
