//! Settings whose feature this version does not have. Rule: what would be ignored is refused, in one line, so that
//! nobody believes to be protected or distributed who is not.

use super::layers::Settings;
use crate::start_error::StartError;

/// Key, and what stands in for it.
const UNAVAILABLE: &[(&str, &str)] = &[("cors_origins", "remove it")];

pub(super) fn refuse(settings: &Settings) -> Result<(), StartError> {
    for (key, instead) in UNAVAILABLE {
        let setting = settings.get(key)?;
        if setting.given().is_some() {
            let name = setting.name();
            return Err(StartError::new(format!("{name} is not available in this version: {instead}")));
        }
    }
    Ok(())
}
