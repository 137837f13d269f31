#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod context;
mod error;
mod ids;
mod options;
mod row;
mod runner;
mod sqlite;
mod tx;

pub use context::Context;
pub use error::{DbError, OpenError};
pub use ids::Ids;
pub use options::{DbOptions, Limits};
pub use row::FromRow;
pub use runner::{Db, UseCase};
pub use sqlite::Reader;
pub use tx::Tx;
