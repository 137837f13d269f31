//! What every binary can do besides serving. Rule: nothing here names a domain; what is printed is one line for each.

mod events;
mod forget;
mod migrate;
mod openapi;

pub(crate) use events::{Events, events};
pub(crate) use forget::forget;
pub(crate) use migrate::{status as migrate_status, up as migrate_up};
pub(crate) use openapi::openapi;

use crate::start_error::StartError;
use std::io::{Write, stdout};

/// Prints a result.
fn say(lines: &str) -> Result<(), StartError> {
    writeln!(stdout(), "{lines}").map_err(|error| StartError::new(format!("cannot write to standard output: {error}")))
}
