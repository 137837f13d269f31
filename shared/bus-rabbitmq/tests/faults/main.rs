//! What the bus does when the broker, the network or a message is at fault. Rule: nothing is lost, nothing has its
//! effect twice, and nobody restarts anything.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at what it did not expect")]

mod blocked;
mod consumers;
mod deleted;
mod lost;
mod proxy;
mod queues;
mod start;
mod strays;
mod unroutable;
mod world;
