//! What clients may do how often, and scripts of whom. Rule: a limit that means nothing stops the start; nobody believes
//! to be protected who is not.

use super::layers::Setting;
use crate::start_error::StartError;
use std::time::Duration;
use web::{Origins, Quota};

/// Of a process that no operator told anything.
pub(super) const LOGIN: Quota = Quota::at_least_one(10, Duration::from_secs(60));
pub(super) const REGISTER: Quota = Quota::at_least_one(5, Duration::from_secs(60 * 60));

/// `100/60s`.
pub(super) fn quota(setting: &Setting) -> Result<Quota, StartError> {
    parsed(setting.text()).ok_or_else(|| setting.refuse("is not a limit (10/60s, 5/1h)"))
}

/// The same; none for `off`.
pub(super) fn quota_or_off(setting: &Setting) -> Result<Option<Quota>, StartError> {
    match setting.text() {
        "off" => Ok(None),
        text => parsed(text).map(Some).ok_or_else(|| setting.refuse("is not a rate limit (100/60s, or off)")),
    }
}

fn parsed(text: &str) -> Option<Quota> {
    let (count, window) = text.split_once('/')?;
    Quota::new(count.parse().ok()?, humantime::parse_duration(window).ok()?)
}

/// Origins with commas, each as a browser writes it.
pub(super) fn origins(setting: &Setting) -> Result<Origins, StartError> {
    let items = setting.text().split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| origin(setting, item)).collect::<Result<_, _>>().map(Origins::new)
}

fn origin(setting: &Setting, text: &str) -> Result<String, StartError> {
    let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let written = url.map(|url| url.origin().ascii_serialization());
    match written {
        Some(written) if written == text => Ok(written),
        Some(written) => Err(setting.refuse(format!("names {text}; a browser writes {written}"))),
        None => Err(setting.refuse(format!("names {text}, which is no origin (https://app.example.org)"))),
    }
}
