#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod context;
mod error;
mod gate;
mod ids;
mod options;
mod postgres;
mod reader;
mod row;
mod runner;
mod sqlite;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod turn;
mod tx;

pub use context::Context;
pub use error::{DbError, OpenError};
pub use gate::{Gate, Load};
pub use ids::Ids;
pub use options::{DbOptions, Limits, Store};
pub use postgres::{MigrationLock, Server, lock_for_migrations, migration_connection};
pub use reader::Reader;
pub use row::FromRow;
pub use runner::{Db, UseCase};
pub use tx::Tx;
