#![doc = include_str!("../README.md")]

mod app;
mod domain;
mod http;
mod listen;
mod module;
mod snapshots;
mod store;
#[cfg(test)]
mod testing;

pub use module::module;
