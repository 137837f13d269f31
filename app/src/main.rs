//! The binary `cleave`. Rule: `main` only calls [`app::run`], so that a test can start what it starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    app::run()
}
