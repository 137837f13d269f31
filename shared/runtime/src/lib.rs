#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod bind;
mod cleanup;
mod command;
mod command_line;
mod commands;
mod config;
mod data_dir;
mod description;
mod flags;
mod gateway;
mod http;
mod job;
mod metrics;
mod migrate;
mod module;
mod ops;
mod process;
mod remote_keys;
mod routes;
mod run;
mod screen;
mod server;
mod signals;
mod start_error;
mod telemetry;
mod typed_password;

pub use command::Command;
pub use config::{BusSetting, Config, LogFormat, RemoteDomain, Seams, Storage};
pub use description::document;
pub use flags::ServeFlags;
pub use gateway::GatewayTuning;
pub use job::Job;
pub use module::{Deps, Module, Mounted};
pub use run::run;
pub use server::{Domain, Server, serve};
pub use start_error::StartError;
pub use typed_password::typed_password;

/// Of every program that serves a domain.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
