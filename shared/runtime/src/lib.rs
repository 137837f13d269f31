#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod bind;
mod cleanup;
mod config;
mod data_dir;
mod flags;
mod http;
mod job;
mod migrate;
mod module;
mod process;
mod routes;
mod run;
mod screen;
mod server;
mod signals;
mod start_error;
mod telemetry;

pub use config::{Config, LogFormat, Seams};
pub use flags::ServeFlags;
pub use job::Job;
pub use module::{Deps, Endpoint, Module, Mounted};
pub use run::run;
pub use server::{Domain, Server, serve};
pub use start_error::StartError;
