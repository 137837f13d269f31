#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod child;
mod client;
mod clock;
pub mod conformance;
mod eventually;
mod ground;
mod injector;
mod processes;
mod servers;
mod settle;
mod shipped;
mod system;
mod tokens;
mod topology;
mod virtual_host;
mod wire;

pub use child::child;
pub use client::{Client, Reply};
pub use clock::TestClock;
pub use eventually::eventually;
pub use injector::Injector;
pub use servers::not_run;
pub use shipped::{Shipped, own_host, read_screen, shipped};
pub use system::{Start, Starting, System};
pub use tokens::TokenSource;
pub use topology::{Carrier, Databases, Part, Topology};
pub use virtual_host::VirtualHost;
pub use wire::{Heard, say};
