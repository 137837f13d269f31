//! The parts of this crate together, as a server puts them together.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at what it did not expect")]

mod bodies;
mod callers;
mod commands;
mod deadlines;
mod limits;
mod origins;
mod pages;
mod parameters;
mod refusals;
mod single_resources;
mod sockets;
mod tokens;
mod world;
