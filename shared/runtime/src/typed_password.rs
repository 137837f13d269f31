//! A password that somebody types. Rule: it is never shown.

use crate::start_error::StartError;
use secrecy::SecretString;
use std::io::{IsTerminal, stdin};

/// What is typed on the terminal, without being shown; or the first line of what standard input is.
///
/// # Errors
/// Nothing is given, or standard input cannot be read.
pub async fn typed_password() -> Result<SecretString, StartError> {
    let read = || {
        if stdin().is_terminal() {
            return rpassword::prompt_password("Password: ");
        }
        let mut line = String::new();
        stdin().read_line(&mut line)?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    };
    let line = tokio::task::spawn_blocking(read).await.map_err(|error| StartError::new(error.to_string()))?;
    let line = line.map_err(|error| StartError::new(format!("cannot read the password: {error}")))?;
    if line.is_empty() {
        return Err(StartError::new("no password was given: set CLEAVE_ADMIN_PASSWORD, or type one"));
    }
    Ok(SecretString::from(line))
}
