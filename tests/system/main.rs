//! The whole system, from outside.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod architecture;
mod authorization;
mod bad_input;
mod conformance;
mod faults;
mod forged;
mod joining;
mod metrics;
mod missing;
mod openapi;
mod ops;
mod pages;
mod poison;
mod process;
mod races;
mod readme;
mod replicas;
mod restored;
mod retention;
mod same;
mod schemas;
mod split;
mod tidy;
mod topology;
mod walkthrough;
mod wire;
