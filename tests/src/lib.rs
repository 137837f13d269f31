#![doc = include_str!("../README.md")]
#![expect(clippy::expect_used, reason = "a test ends at what it did not expect")]

pub mod additive;
pub mod api;
pub mod arrows;
pub mod bench;
pub mod faults;
pub mod snapshot;
pub mod style;
pub mod tree;
pub mod walk;
pub mod wiring;
