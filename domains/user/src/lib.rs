#![doc = include_str!("../README.md")]

mod app;
mod attempts;
mod create_admin;
mod crypto;
mod domain;
mod first_start;
mod http;
mod internal;
mod issuer;
mod key_source;
mod manage_keys;
mod module;
mod snapshots;
mod state;
mod store;

pub use module::module;
