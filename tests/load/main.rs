//! What needs the machine for itself: a test that measures, and one that fills it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod crowd;
mod latency;
mod logins;
mod process;

/// Held by the one test of this binary that runs.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
