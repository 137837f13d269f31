//! Settings whose feature this version does not have. Rule: what would be ignored is refused, in one line, so that
//! nobody believes to be protected or distributed who is not.

use super::layers::{Setting, Settings};
use crate::start_error::StartError;

/// Key, and what stands in for it.
const UNAVAILABLE: &[(&str, &str)] = &[
    ("user_url", "serve the user domain in this process"),
    ("internal_token", "remove it"),
    ("trusted_proxies", "remove it"),
    ("cors_origins", "remove it"),
    ("metrics_addr", "remove it"),
];

pub(super) fn refuse(settings: &Settings) -> Result<(), StartError> {
    for (key, instead) in UNAVAILABLE {
        refuse_given(settings.get(key)?, instead)?;
    }
    for setting in settings.all().filter(|setting| setting.key().ends_with("database_url")) {
        refuse_given(setting, "remove it, and SQLite files in the data directory are used")?;
    }
    let bus = settings.get("bus")?;
    if bus.text() != "in-process" {
        // Not quoted either: so does the URL of a broker.
        let name = bus.name();
        return Err(StartError::new(format!(
            "{name} is not available in this version with that value: use in-process"
        )));
    }
    Ok(())
}

fn refuse_given(setting: &Setting, instead: &str) -> Result<(), StartError> {
    match setting.given() {
        // The value is not quoted: a database URL holds a password.
        Some(_) => Err(StartError::new(format!("{} is not available in this version: {instead}", setting.name()))),
        None => Ok(()),
    }
}
