//! The parts of this crate together, as a server puts them together.

mod bodies;
mod callers;
mod commands;
mod pages;
mod parameters;
mod refusals;
mod single_resources;
mod tokens;
mod world;
