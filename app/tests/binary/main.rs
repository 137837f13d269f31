//! The shipped binary.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on ends there"
)]

mod accounts;
mod broker;
mod elsewhere;
mod events;
mod keys;
mod kill;
#[cfg(target_os = "linux")]
mod log;
mod metrics;
mod postgres;
mod running;
mod secrets;
mod start;
