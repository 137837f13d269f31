//! What is read from around the program: its environment and the file beside it. Rule: here alone, and as text; what it
//! means is decided elsewhere.

use crate::start_error::StartError;
use contracts::failpoint;
use std::path::Path;

/// Of a test that ends the process at a certain point; a release build refuses it like any other unknown name.
const FAILPOINTS: &str = "CLEAVE_FAILPOINTS";

/// Arms what a test asks for, which is no setting of the program.
pub(super) fn without_failpoints(environment: Vec<(String, String)>) -> Result<Vec<(String, String)>, StartError> {
    if !failpoint::COMPILED_IN {
        return Ok(environment);
    }
    let (asked, settings): (Vec<_>, Vec<_>) = environment.into_iter().partition(|(name, _)| name == FAILPOINTS);
    for (name, text) in asked.into_iter().filter(|(_, text)| !text.is_empty()) {
        failpoint::arm(&text).map_err(|why| StartError::new(format!("{name} {why}")))?;
    }
    Ok(settings)
}

pub(super) fn environment() -> Result<Vec<(String, String)>, StartError> {
    std::env::vars_os()
        .filter(|(name, _)| name.to_string_lossy().starts_with("CLEAVE_"))
        .map(|(name, value)| match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => Ok((name, value)),
            (Ok(name), Err(_)) => Err(StartError::new(format!("{name} is not UTF-8 text"))),
            (Err(_), _) => Err(StartError::new("the name of a CLEAVE_ variable is not UTF-8 text")),
        })
        .collect()
}

pub(super) fn settings_file(path: &Path) -> Result<Option<String>, StartError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StartError::new(format!("cannot read {}: {error}", path.display()))),
    }
}
