//! The whole system, from outside.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod architecture;
mod bad_input;
mod poison;
mod readme;
mod schemas;
mod tidy;
mod topology;
mod walkthrough;
