#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod client;
mod clock;
mod eventually;
mod injector;
mod settle;
mod system;
mod tokens;

pub use client::{Client, Reply};
pub use clock::TestClock;
pub use eventually::eventually;
pub use injector::Injector;
pub use system::{Start, Starting, System, Topology};
pub use tokens::TokenSource;
