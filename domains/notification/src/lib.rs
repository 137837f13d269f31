#![doc = include_str!("../README.md")]

mod app;
mod domain;
mod http;
mod listen;
mod module;
mod store;
#[cfg(test)]
mod tests;

pub use module::module;
