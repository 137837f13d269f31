//! Real faults: servers that are stopped and killed, processes that die, under load. Rule: nothing that another test uses is
//! touched; and one fault at a time, because each wants the machine for itself.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod broker;
mod clock;
mod commits;
mod disk;
mod extraction;
mod failpoints;
mod full;
mod isolation;
mod kills;
mod limits;
mod meddler;
mod mutations;
mod network;
mod overload;
mod place;
mod postgres;
mod process;
mod queue;
mod replicas;
mod retention;
mod rolling;
mod rounds;
mod server_disk;
mod writers;

/// Held by the one test of this binary that runs.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
